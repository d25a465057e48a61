"""The ids of files go with their files, and with the folders that these are in."""

from __future__ import annotations

import logging
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jupyter_server_fileid.manager import ArbitraryFileIdManager, LocalFileIdManager

from jmcp_lab.files.file_ids import follow_folders

Kind = type[ArbitraryFileIdManager] | type[LocalFileIdManager]
MANAGERS = [ArbitraryFileIdManager, LocalFileIdManager]

# Names that are patterns, that others begin with, and that SQL or paths could take for a sign.
NAMES = ["exp[12]", "exp1", "exp", "exp*", "a?", "aé", "%", "a_", "a'b"]
PATHS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map("/".join)


class FileSync:
    """A folder, the ids of its files, and what the server tells these."""

    def __init__(self, kind: Kind, root: Path) -> None:
        self.root = root
        log = logging.getLogger("ids")
        log.setLevel(logging.CRITICAL)
        self.ids = kind(db_path=":memory:", root_dir=str(root), log=log)
        follow_folders()
        self._tell = self.ids.get_handlers_by_action()
        self._kept: list[Path] = []

    def makes(self, path: str) -> str:
        """Make a file, open it, and return its id."""
        where = self.root / path
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_text("x")
        return str(self.ids.index(path))

    def renames(self, old: str, new: str) -> None:
        (self.root / old).rename(self.root / new)
        self._tell["rename"]({"source_path": old, "path": new})

    def deletes(self, path: str) -> None:
        where = self.root / path
        if where.is_dir():
            shutil.rmtree(where)
        else:
            where.unlink()
        self._tell["delete"]({"path": path})


@pytest.mark.parametrize("kind", MANAGERS)
@given(
    files=st.lists(PATHS, min_size=1, max_size=6),
    moves=st.lists(st.tuples(st.integers(0, 20), PATHS | st.none()), max_size=6),
)
@settings(max_examples=60, deadline=None)
def test_a_file_keeps_its_id_whatever_the_server_renames_and_deletes(
    kind: Kind, files: list[str], moves: list[tuple[int, str | None]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        disk = FileSync(kind, Path(folder))
        ids = {}
        for path in files:
            if (
                not any(parent.is_file() for parent in (disk.root / path).parents)
                and not (disk.root / path).is_dir()
            ):
                ids[path] = disk.makes(path)
        for number, new in moves:
            there = sorted(str(p.relative_to(disk.root)) for p in disk.root.rglob("*"))
            if not there:
                break
            old = there[number % len(there)]
            inside = [path for path in ids if path == old or path.startswith(f"{old}/")]
            if new is None:
                disk.deletes(old)
                for path in inside:
                    del ids[path]
            elif (disk.root / new).parent.is_dir() and not (disk.root / new).exists():
                if f"{new}/".startswith(f"{old}/"):
                    continue
                disk.renames(old, new)
                ids |= {new + path.removeprefix(old): ids.pop(path) for path in inside}
            assert {path: disk.ids.get_path(own) for path, own in ids.items()} == {
                p: p for p in ids
            }
            assert {path: disk.ids.get_id(path) for path in ids} == ids


@pytest.mark.parametrize("kind", MANAGERS)
@pytest.mark.parametrize("place", ["b.ipynb", "after/a.ipynb"])
def test_a_file_keeps_its_id_when_moved_to_a_name_that_a_shell_has_freed(
    tmp_path: Path, kind: Kind, place: str
) -> None:
    disk = FileSync(kind, tmp_path)
    kept = disk.makes("before/a.ipynb")
    disk.makes(place)
    (tmp_path / place).unlink()
    if place == "b.ipynb":
        disk.renames("before/a.ipynb", place)
    else:
        (tmp_path / "after").rmdir()
        disk.renames("before", "after")
    assert disk.ids.get_path(kept) == place
    assert disk.ids.get_id(place) == kept
