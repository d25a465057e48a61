"""A server that is killed, or loses its power, while it writes a file leaves part of it."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tornado.web import HTTPError

from jmcp_lab.notebooks import cells
from jmcp_lab.notebooks.live_notebook import agent_origin
from jmcp_lab.rooms.live_room import LiveRoom
from jmcp_lab.text.line_ends import plain

from ..support.files import Files
from ..support.program import code_cell

AGENT = agent_origin("a_1")
NOTEBOOK = ("json", "notebook")
TEXT = ("text", "file")
CUTS = [0, 1, 40, 200, -30, -4, -1]
"""Bytes of the new file that are there; negative numbers count from its end."""


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@asynccontextmanager
async def opened(files: Files, name: str, kind: tuple[str, str]) -> AsyncIterator[LiveRoom]:
    """Open a room, and kill it in the end: nothing is saved."""
    room = await files.open(name, files.root / "history.db", kind=kind)
    running = asyncio.create_task(room.start())
    await room.started.wait()
    try:
        yield room
    finally:
        await room.store.flush()
        room.autosave.close()
        room.autosave._saved = room.autosave._changes
        await room.store.close()
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        with suppress(RuntimeError):
            await room.stop()
        await files.loaders.remove(room.room_id.rsplit(":", 1)[-1])


def write(path: Path, *sources: str) -> None:
    content: dict[str, Any] = {"metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    content["cells"] = [code_cell(f"c{at}", text) for at, text in enumerate(sources)]
    nbformat.write(nbformat.from_dict(content), path)


def sources(path: Path) -> list[str]:
    return [cell.source for cell in nbformat.read(path, 4).cells]


def tear(path: Path, whole: str, cut: int, *, kept: bool) -> None:
    """Leave of a file what a write leaves that ends in the middle.

    Parameters
    ----------
    kept : bool
        Whether the file as it was before is still beside it, where Jupyter puts it meanwhile.
    """
    if kept:
        path.with_name(f".~{path.name}").write_bytes(path.read_bytes())
    path.write_text(whole[: cut if cut >= 0 else len(whole) + cut])


async def about_to_write(room: LiveRoom) -> Any:  # noqa: ANN401
    """Return what the room is about to write when it is killed."""
    content = await room.document.aget()
    assert room.kind is not None
    await room.about_to_write(room.kind.version_of(content))
    return content


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("cut", CUTS)
async def test_a_truncated_notebook_is_restored(files: Files, cut: int, kept: bool) -> None:
    path = files.root / "a.ipynb"
    write(path, "one", "two")
    async with opened(files, "a.ipynb", ("json", "notebook")) as room:
        cells.insert(room.notebook, 2, [cells.NewCell("three", "code")], AGENT)
        await room.autosave.save()
        cells.insert(room.notebook, 3, [cells.NewCell("four", "code")], AGENT)
        whole = nbformat.writes(nbformat.from_dict(await about_to_write(room)))
        cells.insert(room.notebook, 4, [cells.NewCell("five", "code")], AGENT)
    tear(path, whole, cut, kept=kept)
    async with opened(files, "a.ipynb", ("json", "notebook")) as room:
        assert room.autosave.unsaved
        await room.autosave.save()
        assert sources(path) == ["one", "two", "three", "four", "five"]


async def test_a_truncated_notebook_is_unchanged_when_the_rest_is_unknown(
    files: Files,
) -> None:
    path = files.root / "a.ipynb"
    write(path, "one", "two")
    tear(path, path.read_text(), 200, kept=False)
    before = path.read_bytes()
    with pytest.raises(Exception, match="Unreadable"):
        await files.open("a.ipynb", files.root / "history.db")
    assert path.read_bytes() == before


async def test_a_notebook_with_conflict_markers_is_not_mistaken_for_a_truncated_one(
    files: Files,
) -> None:
    path = files.root / "a.ipynb"
    write(path, "one", "two")
    async with opened(files, "a.ipynb", ("json", "notebook")) as room:
        cells.insert(room.notebook, 2, [cells.NewCell("three", "code")], AGENT)
        await room.autosave.save()
    text = path.read_text().replace("two", 'two"\n<<<<<<< ours\n=======\n>>>>>>> theirs\n"')
    path.write_text(text)
    with pytest.raises(Exception, match="Unreadable"):
        await files.open("a.ipynb", files.root / "history.db")
    assert path.read_text() == text


@pytest.mark.parametrize("cut", [0, 1, 5, -1])
async def test_a_truncated_text_file_is_restored(files: Files, cut: int) -> None:
    path = files.root / "a.txt"
    path.write_text("one\ntwo\n")
    async with opened(files, "a.txt", ("text", "file")) as room:
        room.document.source = "one\ntwo\nthree\n"
        await room.autosave.save()
        room.document.source = "one\ntwo\nthree\nfour\n"
        whole = await about_to_write(room)
    tear(path, whole, cut, kept=True)
    async with opened(files, "a.txt", ("text", "file")) as room:
        assert room.document.source == "one\ntwo\nthree\nfour\n"
        await room.autosave.save()
        assert path.read_text() == "one\ntwo\nthree\nfour\n"


TEXTS = st.text(st.sampled_from("aé\U0001f600\n"), max_size=12)


@given(
    old=TEXTS,
    new=TEXTS,
    more=TEXTS,
    cut=st.integers(0, 60),
    zeros=st.integers(0, 3),
    kept=st.booleans(),
    line_end=st.sampled_from(["\n", "\r\n"]),
    deaths=st.integers(1, 2),
)
@example(old="é", new="éé", more="", cut=3, zeros=2, kept=False, line_end="\n", deaths=2)
@example(
    old="one\n",
    new="one\ntwo\n",
    more="more\n",
    cut=4,
    zeros=0,
    kept=False,
    line_end="\n",
    deaths=2,
)
@example(old="one\n", new="one\n", more="", cut=0, zeros=0, kept=True, line_end="\n", deaths=1)
@settings(max_examples=40, deadline=None)
def test_a_text_file_is_restored_wherever_it_was_truncated(
    old: str, new: str, more: str, cut: int, zeros: int, kept: bool, line_end: str, deaths: int
) -> None:
    async def play(files: Files) -> str:
        path = files.root / "a.txt"
        path.write_bytes(old.replace("\n", line_end).encode())
        async with opened(files, "a.txt", TEXT) as room:
            room.document.source = new
            whole = (await about_to_write(room)).replace("\n", line_end).encode()
            # Somebody types on at the top while it is written.
            room.document.source = more + new
        if kept:
            path.with_name(".~a.txt").write_bytes(path.read_bytes())
        path.write_bytes(whole[:cut] + bytes(zeros))
        for _ in range(deaths - 1):
            # The next server is killed before it has written anything.
            async with opened(files, "a.txt", TEXT):
                pass
        async with opened(files, "a.txt", TEXT) as room:
            said = str(room.document.source)
            if room.autosave.unsaved:
                for _ in range(2):
                    with suppress(HTTPError):
                        await room.autosave.save()
                        break
        assert plain(path.read_bytes().decode()) == said
        return said

    with tempfile.TemporaryDirectory() as folder:
        assert asyncio.run(play(Files(Path(folder)))) == more + new


@pytest.mark.parametrize("zeros", [0, 700])
async def test_a_notebook_that_ends_inside_a_character_or_in_zeros_is_restored(
    files: Files, zeros: int
) -> None:
    path = files.root / "a.ipynb"
    write(path, "one", "é")
    async with opened(files, "a.ipynb", NOTEBOOK) as room:
        cells.insert(room.notebook, 2, [cells.NewCell("three", "code")], AGENT)
        whole = nbformat.writes(nbformat.from_dict(await about_to_write(room))).encode()
    path.write_bytes(whole[: whole.index("é".encode()) + 1] + bytes(zeros))
    async with opened(files, "a.ipynb", NOTEBOOK) as room:
        await room.autosave.save()
        assert sources(path) == ["one", "é", "three"]


@pytest.mark.parametrize("left", ["", "one\n", "one\ntwo\nthr", "é".encode("latin-1"), b"\0" * 9])
async def test_a_completely_written_text_file_keeps_later_changes_by_others(
    files: Files, left: str | bytes
) -> None:
    path = files.root / "a.txt"
    path.write_text("one\ntwo\n")
    async with opened(files, "a.txt", TEXT) as room:
        room.document.source = "one\ntwo\nthree\n"
        await room.autosave.save()
    path.write_bytes(left.encode() if isinstance(left, str) else left)
    if left == b"\xe9":
        with pytest.raises(HTTPError, match="UTF-8"):
            await files.open("a.txt", files.root / "history.db", kind=TEXT)
        return
    async with opened(files, "a.txt", TEXT) as room:
        assert room.document.source == (left if isinstance(left, str) else left.decode())


async def test_a_text_file_rewritten_after_a_crash_is_not_mistaken_for_a_truncated_one(
    files: Files,
) -> None:
    path = files.root / "a.txt"
    path.write_text("one\ntwo\n")
    async with opened(files, "a.txt", TEXT) as room:
        room.document.source = "one\ntwo\nthree\n"
        await about_to_write(room)
    path.write_text("one\nTWO\n")
    async with opened(files, "a.txt", TEXT) as room:
        assert room.document.source == "one\nTWO\nthree\n"


async def test_a_text_file_that_somebody_emptied_stays_empty(files: Files) -> None:
    path = files.root / "a.txt"
    path.write_text("one\ntwo\n")
    async with opened(files, "a.txt", ("text", "file")) as room:
        room.document.source = "one\ntwo\nthree\n"
        await room.autosave.save()
    path.write_text("")
    async with opened(files, "a.txt", ("text", "file")) as room:
        assert room.document.source == ""
