"""A history that another server had when a room was opened: it is taken over once it is free."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from pycrdt import Text

from jmcp_lab.notebooks import cells
from jmcp_lab.rooms.live_room import LiveRoom
from jmcp_lab.text.three_way_merge import Splice

from .test_document_store import held
from .test_harmed_history import KINDS, NOTEBOOK, Last, said_by


def write(room: LiveRoom, text: str) -> None:
    if room.file_type == "notebook":
        cells.edit(room.notebook, "c0", [Splice(0, 0, text)], "jmcp:a_1")
    else:
        room.ydoc.get("source", type=Text).insert(0, text)


async def killed(last: Last, room: LiveRoom) -> None:
    """Let the server be killed: what it has in memory is gone."""
    await room.store.flush()
    assert room._followed is not None
    room.ydoc.unobserve(room._followed)
    room._followed = None
    room.autosave.close()
    room.autosave._saved = room.autosave._changes
    await last.files.close(room)


@KINDS
@pytest.mark.parametrize("saved", [True, False], ids=["all was saved", "something was not"])
async def test_a_history_is_adopted_once_its_server_has_stopped(
    tmp_path: Path, kind: tuple[str, str], saved: bool
) -> None:
    last = Last(tmp_path, kind)
    await last.leaves()
    if saved:
        room = await last.opened()
        await room.autosave.save()
        await last.files.close(room)
    with held(last.store):
        room = await last.opened()
        write(room, "while it is held ")
        await room.autosave.save()
        assert not room.store.is_open
    write(room, "after that ")
    await room.autosave.save()
    assert room.store.is_open
    kept = [(tmp_path / copy).read_text() for copy, _ in room.copies]
    assert ["acknowledged" in text for text in kept] == ([] if saved else [True])
    # From now on it is kept here, and goes on from here.
    write(room, "and killed ")
    await killed(last, room)
    assert "and killed" not in last.where.read_text()
    room = await last.opened()
    said = said_by(room)
    assert "and killed after that while it is held one" in said
    assert ("acknowledged" in said) == saved
    assert said.count("and killed") == said.count("two") == 1
    assert room.copies == []
    await last.files.close(room)


async def test_a_history_is_left_unchanged_while_its_content_cannot_be_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = Last(tmp_path, NOTEBOOK)
    await last.leaves()
    with held(last.store):
        room = await last.opened()
    save = last.files.manager.save

    def is_full(model: dict[str, object], path: str) -> object:
        if "-other" in path:
            raise OSError(errno.ENOSPC, "No space left on device")
        return save(model, path)

    with monkeypatch.context() as patch:
        patch.setattr(last.files.manager, "save", is_full)
        write(room, "mine ")
        await room.autosave.save()
        assert not room.store.is_open
    write(room, "later ")
    await room.autosave.save()
    assert room.store.is_open
    ((copy, _),) = room.copies
    assert "acknowledged" in (tmp_path / copy).read_text()
    await last.files.close(room)
