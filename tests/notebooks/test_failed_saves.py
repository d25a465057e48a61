"""A save that fails may have written the file before: that is nobody else's work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pycrdt import Text

from jmcp_lab.notebooks import cells
from jmcp_lab.notebooks.live_room import LiveRoom

from .desk import notebook_of
from .files import Files

KINDS = {"a.ipynb": ("json", "notebook"), "a.py": ("text", "file")}


def type_in(room: LiveRoom, text: str) -> None:
    if room.file_type == "notebook":
        cells.shared(room.notebook, "c0")["source"].insert(0, text)
    else:
        room.ydoc.get("source", type=Text).insert(0, text)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("looks", [True, False])
async def test_what_it_has_written_is_not_there_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, looks: bool
) -> None:
    files = Files(tmp_path)
    files.manager.save(
        {"type": "notebook", "format": "json", "content": notebook_of("x = 1")}
        if name == "a.ipynb"
        else {"type": "file", "format": "text", "content": "x = 1"},
        name,
    )
    room = await files.open(name, kind=KINDS[name])
    save = type(files.manager).save

    def fails(manager: Any, model: dict[str, Any], path: str = "") -> Any:  # noqa: ANN401
        save(manager, model, path)
        raise OSError("There is no place for a checkpoint")

    type_in(room, "typed ")
    with monkeypatch.context() as patch:
        patch.setattr(type(files.manager), "save", fails)
        with pytest.raises(OSError, match="checkpoint"):
            await room.autosave.save()
    type_in(room, "more ")
    if looks:
        await room._file.maybe_notify()
    await room.autosave.save()
    assert (tmp_path / name).read_text().count("typed") == 1
    assert "more typed x = 1" in (tmp_path / name).read_text()
    await files.close(room)
