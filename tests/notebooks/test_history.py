from __future__ import annotations

import asyncio
import zlib
from typing import TYPE_CHECKING

import anyio
import pytest
from anyio.streams.memory import MemoryObjectReceiveStream
from jupyter_server_ydoc.stores import SQLiteYStore
from pycrdt import Doc, Text, merge_updates

from jmcp_lab.notebooks import history
from jmcp_lab.notebooks.history import History

if TYPE_CHECKING:
    from pathlib import Path


class Store:
    """A store that is as slow as a test wants it to be."""

    def __init__(self) -> None:
        self.rows: list[bytes] = []
        self.writing = asyncio.Event()
        self.go_on = asyncio.Event()

    async def write(self, update: bytes) -> None:
        self.writing.set()
        await self.go_on.wait()
        self.rows.append(update)


def updates(*pieces: str) -> list[bytes]:
    """Return the updates of a document into which pieces of text are written, one by one."""
    document: Doc[Text] = Doc()
    text = document.get("text", type=Text)
    found: list[bytes] = []
    document.observe(lambda event: found.append(event.update))
    for piece in pieces:
        text += piece
    return found


def read(rows: list[bytes]) -> str:
    document: Doc[Text] = Doc()
    document.apply_update(merge_updates(*rows))
    return str(document.get("text", type=Text))


async def test_an_update_that_comes_alone_is_written_as_it_is() -> None:
    store = Store()
    store.go_on.set()
    (update,) = updates("a")
    await History(store.write).write(update)
    assert store.rows == [update]


async def test_updates_that_come_soon_after_each_other_are_one_write() -> None:
    store = Store()
    store.go_on.set()
    kept = History(store.write)
    first, *others = updates(*"a notebook")
    writes = [asyncio.create_task(kept.write(first))]
    for update in others:
        # As soon as the loop has nothing else to do: nothing may be written meanwhile.
        await asyncio.sleep(0)
        writes.append(asyncio.create_task(kept.write(update)))
    await asyncio.gather(*writes)
    assert len(store.rows) == 1
    assert read(store.rows) == "a notebook"


async def test_the_end_of_a_room_does_not_wait_for_more_to_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(history, "GATHER_SECONDS", 3600)
    store = Store()
    store.go_on.set()
    kept = History(store.write)
    writing = asyncio.create_task(kept.write(*updates("a")))
    await asyncio.sleep(0)
    await asyncio.wait_for(kept.written(), 30)
    assert read(store.rows) == "a"
    await writing


class StoreOnDisk(SQLiteYStore):
    checkpoint_interval = 3


class RoomOnDisk:
    """A room as far as its history goes, whose document is a text."""

    def __init__(self, folder: Path) -> None:
        self.ydoc: Doc[Text] = Doc()
        self.text = self.ydoc.get("text", type=Text)
        self.ystore = StoreOnDisk(path="notebook")
        self.ystore.db_path = str(folder / "history.db")
        self._updates: list[bytes] = []
        self._subscription = self.ydoc.observe(lambda event: self._updates.append(event.update))

    def add(self, piece: str) -> bytes:
        """Write at the end, and return the update."""
        self.text += piece
        return self._updates.pop()


async def test_each_so_many_writes_the_document_itself_is_the_checkpoint(tmp_path: Path) -> None:
    room = RoomOnDisk(tmp_path)
    async with room.ystore as store:
        history.gather(room)
        room.add("not stored: only the document has it; ")
        for piece in "abcd":
            await store.write(room.add(piece))
        # Three were stored before the checkpoint, and one after it.
        again: Doc[Text] = Doc()
        await store.apply_updates(again)
        assert str(again.get("text", type=Text)) == "not stored: only the document has it; abcd"
        assert len([row async for row in store.read()]) == 4


async def test_a_store_that_packs_its_rows_packs_the_checkpoint(tmp_path: Path) -> None:
    room = RoomOnDisk(tmp_path)
    async with room.ystore as store:
        store.register_compression_callbacks(zlib.compress, zlib.decompress)
        history.gather(room)
        for piece in "abc":
            await store.write(room.add(piece))
        again: Doc[Text] = Doc()
        cursor = await store._db.cursor()
        await cursor.execute("SELECT checkpoint FROM ycheckpoints WHERE path = ?", (store.path,))
        ((packed,),) = await cursor.fetchall()
        again.apply_update(zlib.decompress(packed))
        assert str(again.get("text", type=Text)) == "abc"


async def test_what_comes_during_a_write_is_written_in_one_go_and_in_order() -> None:
    store = Store()
    kept = History(store.write)
    first, *others = updates(*"a notebook")
    writes = [asyncio.create_task(kept.write(first))]
    await store.writing.wait()
    writes += [asyncio.create_task(kept.write(update)) for update in others]
    await asyncio.sleep(0)
    store.go_on.set()
    await asyncio.gather(*writes)
    assert len(store.rows) == 2
    assert read(store.rows) == "a notebook"


async def test_what_is_written_waits_for_nothing_although_more_comes_all_the_time() -> None:
    permits = asyncio.Semaphore(0)
    begun: asyncio.Queue[bytes] = asyncio.Queue()

    async def write(update: bytes) -> None:
        begun.put_nowait(update)
        await permits.acquire()

    kept = History(write)
    first, *others, late = updates(*"a notebook")
    writes = [asyncio.create_task(kept.write(first))]
    await begun.get()
    writes += [asyncio.create_task(kept.write(update)) for update in others]
    await asyncio.sleep(0)
    permits.release()
    await begun.get()
    more = asyncio.create_task(kept.write(late))
    await asyncio.sleep(0)
    permits.release()
    # Each that waited for a turn of its own would now wait for the write of what came late.
    await asyncio.wait_for(asyncio.gather(*writes), 30)
    assert not more.done()
    permits.release()
    await more


async def test_what_a_write_that_was_called_off_had_gathered_is_taken_along_by_the_next() -> None:
    store = Store()
    kept = History(store.write)
    first, second, third = updates(*"abc")
    writing = asyncio.create_task(kept.write(first))
    await store.writing.wait()
    called_off = asyncio.create_task(kept.write(second))
    await asyncio.sleep(0)
    called_off.cancel()
    await asyncio.wait([called_off])
    store.go_on.set()
    await kept.write(third)
    await writing
    assert read(store.rows) == "abc"


async def test_written_waits_for_all_that_was_given_before() -> None:
    store = Store()
    kept = History(store.write)
    writes = [asyncio.create_task(kept.write(update)) for update in updates(*"abc")]
    await store.writing.wait()
    waiting = asyncio.create_task(kept.written())
    await asyncio.sleep(0)
    assert not waiting.done()
    store.go_on.set()
    await waiting
    assert read(store.rows) == "abc"
    await asyncio.gather(*writes)


async def test_the_end_of_a_room_that_a_page_opened_waits_for_its_writes() -> None:
    class Locked(Store):
        def __init__(self) -> None:
            super().__init__()
            self.lock = asyncio.Lock()

        async def write(self, update: bytes) -> None:
            async with self.lock:
                await super().write(update)

    class Room:
        ystore = Locked()
        _update_receive_stream: MemoryObjectReceiveStream[bytes]

    store, room = Room.ystore, Room()
    sender, room._update_receive_stream = anyio.create_memory_object_stream[bytes](1)
    writes = [asyncio.create_task(store.write(update)) for update in updates(*"abc")]
    await store.writing.wait()
    ending = asyncio.create_task(history.finish(room))
    for _ in range(10):  # More turns than it takes to see that nothing is in the stream.
        await asyncio.sleep(0)
    assert not ending.done()
    store.go_on.set()
    await ending
    assert read(store.rows) == "abc"
    await asyncio.gather(*writes)
    sender.close()
    room._update_receive_stream.close()


async def test_a_write_that_fails_says_so_and_the_next_one_works() -> None:
    failures = [OSError("disk full")]
    rows: list[bytes] = []

    async def write(update: bytes) -> None:
        if failures:
            raise failures.pop()
        rows.append(update)

    kept = History(write)
    first, second = updates("a", "b")
    with pytest.raises(OSError, match="disk full"):
        await kept.write(first)
    await kept.write(second)
    assert rows == [second]


async def test_a_room_is_gathered_once_and_a_room_without_a_store_is_left_alone() -> None:
    class Room:
        ystore: Store | None = None

    room = Room()
    history.gather(room)
    await history.finish(room)
    room.ystore = store = Store()
    history.gather(room)
    gathered = store.write
    history.gather(room)
    assert store.write == gathered
