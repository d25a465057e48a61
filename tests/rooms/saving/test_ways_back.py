"""Another program puts a file back that this server has written before, as git does on a branch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ...support.desk import notebook_of
from ...support.files import Files
from .test_failed_saves import KINDS, type_in


def write(where: Path, text: str) -> None:
    where.write_text(json.dumps(notebook_of(text)) if where.suffix == ".ipynb" else text)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("fails", [False, True], ids=["saved", "a save that has written failed"])
@pytest.mark.parametrize("runs", [False, True], ids=["no server runs", "a server runs"])
async def test_a_restored_file_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, fails: bool, runs: bool
) -> None:
    where, store = tmp_path / name, tmp_path / "history" / "a.db"
    files = Files(tmp_path)
    write(where, "one")
    room = await files.open(name, store, kind=KINDS[name])
    type_in(room, "main ")
    with monkeypatch.context() as patch:
        if fails:
            save = type(files.manager).save

            def fail(manager: Any, model: dict[str, Any], path: str = "") -> Any:  # noqa: ANN401
                save(manager, model, path)
                raise OSError("There is no place for a checkpoint")

            patch.setattr(type(files.manager), "save", fail)
            with pytest.raises(OSError, match="checkpoint"):
                await room.autosave.save()
            await room._file.maybe_notify()
        else:
            await room.autosave.save()
    main = where.read_text()
    write(where, "the other branch")
    await room._file.maybe_notify()
    assert "the other branch" in json.dumps(room.document.get())
    if not runs:
        await files.close(room)
    where.write_text(main)
    if runs:
        await room._file.maybe_notify()
    else:
        room = await files.open(name, store, kind=KINDS[name])
    assert "main one" in json.dumps(room.document.get())
    await room.autosave.save()
    assert "main one" in where.read_text()
    await files.close(room)
