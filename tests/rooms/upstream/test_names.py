"""The names of other packages that this package leans on: each is listed, and really looked for.

When one of these tests fails after an upgrade, `jmcp_lab/rooms/upstream/names.py` says what needs
the name, and `docs/upstream.md` what for.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections import defaultdict
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from jupyter_server_ydoc.app import YDocExtension
from jupyter_server_ydoc.handlers import YDocWebSocketHandler
from jupyter_server_ydoc.loaders import FileLoader
from pycrdt import Array, Doc, Map, Text, create_update_message, write_var_uint
from pycrdt._pycrdt import ArrayEvent as _ArrayEvent
from pycrdt._pycrdt import MapEvent as _MapEvent
from pycrdt._pycrdt import Text as _Text
from pycrdt._pycrdt import TextEvent as _TextEvent

import jmcp_lab
from jmcp_lab.rooms.upstream.names import NAMES, Name, Part, missing_names, words_of_parts
from jmcp_lab.rooms.upstream.ydoc_server import SESSION_EVENTS, Upstream

from ...support.renaming import renamed, twin

OURS = Path(jmcp_lab.__file__).parent
TESTS = Path(__file__).parents[2]
UPSTREAM_MD = TESTS.parent / "docs" / "upstream.md"

PYTHONS_OWN = {"_exit", "_register_atexit"}
"""Names of Python itself."""


def rename(monkeypatch: pytest.MonkeyPatch, record: Name) -> None:
    """Rename what a record names."""
    module, _, path = record.place.partition(":")
    owner: Any = import_module(module)
    *steps, last = path.split(".") if path else [record.name]
    for step in steps:
        owner = getattr(owner, step)
    if not path:
        monkeypatch.delattr(owner, last)
    elif record.looked == "mentions":
        monkeypatch.setattr(owner, last, renamed(getattr(owner, last), record.name))
    else:
        monkeypatch.setattr(owner, last, twin(getattr(owner, last), record.name))


def test_every_upstream_name_that_we_use_exists() -> None:
    missing = [f"{name} ({', '.join(name.needed_by)})" for name in missing_names(live=True)]
    assert not missing, f"gone after an upgrade: {'; '.join(missing)}"


@pytest.mark.parametrize("record", NAMES, ids=lambda each: f"{each.place}-{each.name}")
def test_a_renamed_upstream_name_is_reported_as_missing(
    record: Name, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert record.is_there()
    rename(monkeypatch, record)
    assert record in missing_names(live=True)


@pytest.mark.parametrize("record", NAMES, ids=lambda each: f"{each.place}-{each.name}")
def test_each_record_says_where_its_name_is_used_and_which_test_covers_it(record: Name) -> None:
    used = re.compile(rf"\b{re.escape(record.name)}\b")
    assert any(used.search((OURS / each).read_text()) for each in record.needed_by)
    assert (TESTS / record.test).is_file()


def test_each_module_of_a_record_has_a_row_that_says_why() -> None:
    text = UPSTREAM_MD.read_text()
    modules = {each for record in NAMES for each in record.needed_by}
    assert sorted(each for each in modules if f"`{each}`" not in text) == []


def test_each_row_names_an_existing_test_and_an_issue_or_what_to_file() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in UPSTREAM_MD.read_text().splitlines()
        if line.startswith("| ") and not line.startswith(("| what", "| --"))
    ]
    assert len(rows) > 40
    root = TESTS.parent
    for what, why, issue, tests, _ in rows:
        assert why, what
        assert issue.startswith(("[", "File: ", "Ours: ")), what
        paths = re.findall(r"`([^`]+)`", tests)
        assert paths, what
        assert [path for path in paths if not (root / path).is_file()] == []


def private_names() -> dict[str, set[str]]:
    """Return the private attributes that our code asks for and does not define, by module."""
    asked: dict[str, set[str]] = defaultdict(set)
    defined: set[str] = set()
    for path in OURS.rglob("*.py"):
        where = path.relative_to(OURS).as_posix()
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Attribute(ast.Name("self" | "cls"), attr, ast.Store()):
                    defined.add(attr)
                case ast.Attribute(_, attr):
                    asked[attr].add(where)
                case ast.Call(ast.Name("getattr"), [_, ast.Constant(str() as attr), *_]):
                    asked[attr].add(where)
                case ast.Call(ast.Attribute(_, attr), _):
                    asked[attr].add(where)
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                    defined.add(node.name)
                case ast.Name(attr, ast.Store()):
                    defined.add(attr)
                case ast.Constant(str() as attr) if attr.startswith("_"):
                    # In `__slots__`.
                    defined.add(attr) if where == "notebooks/deep_events.py" else None
    return {
        name: where
        for name, where in asked.items()
        if name.startswith("_") and not name.startswith("__") and name not in defined
    }


def test_every_private_name_of_another_package_is_listed() -> None:
    listed = {record.name for record in NAMES} | PYTHONS_OWN
    assert {name: where for name, where in private_names().items() if name not in listed} == {}


def test_every_private_module_that_is_imported_is_listed() -> None:
    listed = {each for record in NAMES for each in record.needed_by}
    found = {
        path.relative_to(OURS).as_posix()
        for path in OURS.rglob("*.py")
        if re.search(r"(pycrdt|jupyter_\w+|nbformat)\._", path.read_text())
    }
    assert found - {"rooms/upstream/names.py"} <= listed


def test_names_for_live_documents_are_not_checked_when_those_are_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rename(monkeypatch, next(each for each in NAMES if each.part is Part.ROOMS))
    assert missing_names(live=False) == ()


def test_a_missing_name_is_reported_with_its_package_and_version() -> None:
    lacks = [each for each in NAMES if each.part is Part.SIGNATURES]
    (words,) = words_of_parts(lacks)
    assert "works without signatures" in words
    assert "NotebookNotary.compute_signature of nbformat 5." in words


def test_pycrdt_events_have_the_names_that_are_used_without_its_wrappers() -> None:
    doc: Doc[Any] = Doc()
    doc["cells"] = cells = Array([Map({"source": Text("a")})])
    shallow: list[Any] = []
    deep: list[Any] = []
    held = (  # A subscription ends with its last reference.
        cells.integrated.observe(lambda event: shallow.append(event.delta)),
        cells.integrated.observe_deep(
            lambda events: deep.extend((type(event), event.path) for event in events)
        ),
    )
    source = cells[0]["source"]
    source += "b"
    cells[0]["kind"] = "code"
    cells.append(1)
    assert held
    assert shallow == [[{"retain": 1}, {"insert": [1.0]}]]
    assert [kind for kind, _ in deep] == [_TextEvent, _MapEvent, _ArrayEvent]
    with doc.transaction() as transaction:
        now = transaction._txn
        cell = cells[0].integrated
        assert [cell.has(now, key) for key in ("kind", "nothing")] == [True, False]
        assert isinstance(cell.get(now, "source"), _Text)
        assert cell.get(now, "source").get_string(now) == "ab"


def test_a_page_that_saves_is_told_whether_the_task_raised() -> None:
    source = inspect.getsource(YDocWebSocketHandler.on_message)
    assert "save_task = room._save_to_disc()" in source
    assert "await save_task" in source


def test_upstream_creates_rooms_by_the_name_that_our_class_replaces() -> None:
    assert "room = DocumentRoom(" in inspect.getsource(YDocExtension.get_document)
    assert "self.room = DocumentRoom(" in inspect.getsource(YDocWebSocketHandler.prepare)
    assert "check_session_compatibility(" in inspect.getsource(YDocWebSocketHandler.open)


def test_a_loader_reads_and_writes_by_the_names_that_we_replace() -> None:
    assert "self._save_content_at_path(model, path)" in inspect.getsource(FileLoader._save_content)
    assert "raise OutOfBandChanges" in inspect.getsource(FileLoader.maybe_save_content)
    assert "self.maybe_notify()" in inspect.getsource(FileLoader._watch_file)
    assert "self._subscriptions.values()" in inspect.getsource(FileLoader.maybe_notify)


def test_the_room_event_has_the_name_that_we_listen_for() -> None:
    from jupyter_server_ydoc.utils import JUPYTER_COLLABORATION_EVENTS_URI

    assert SESSION_EVENTS == JUPYTER_COLLABORATION_EVENTS_URI


@pytest.mark.parametrize("size", [1, 100, 127, 128, 20_000])
def test_only_the_update_that_a_joining_page_brings_is_intercepted(size: int) -> None:
    class Room:
        on_message = None

    heard: list[bytes] = []
    room = Room()
    Upstream.on_answer(room, heard.append)  # type: ignore[arg-type]
    update = b"u" * size
    assert room.on_message is not None
    assert room.on_message(bytes([0, 1]) + write_var_uint(size) + update) is False
    assert room.on_message(create_update_message(update)) is False
    assert room.on_message(b"\x01awareness") is False
    assert room.on_message(b"\x00\x00\x01\x00") is False
    assert heard == [update]
