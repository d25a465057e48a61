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
from jmcp_lab.rooms.upstream.name_lookup import sets_on_itself
from jmcp_lab.rooms.upstream.names import NAMES, Name, Part, missing_names, words_of_parts
from jmcp_lab.rooms.upstream.ydoc_server import Upstream

from ...support.renaming import renamed, twin

OURS = Path(jmcp_lab.__file__).parent
TESTS = Path(__file__).parents[2]
UPSTREAM_MD = TESTS.parent / "docs" / "upstream.md"

INSTALLED = [record for record in NAMES if record.part is not Part.OTHERS]
"""jupyter-server-documents cannot be installed beside jupyter-server-ydoc: for its names, see
`scripts/check_other_documents.py`.
"""

PUBLIC = {"_exit", "_register_atexit", "_replace", "_start_jupyter_server_extension"}
"""Names of Python itself, and a documented one of Jupyter Server."""


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


@pytest.mark.parametrize("record", INSTALLED, ids=lambda each: f"{each.place}-{each.name}")
def test_a_renamed_upstream_name_is_reported_as_missing(
    record: Name, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert record.is_there()
    rename(monkeypatch, record)
    assert record in missing_names(live=True)


@pytest.mark.parametrize("record", NAMES, ids=lambda each: f"{each.place}-{each.name}")
def test_each_record_says_where_its_name_is_used_and_which_test_covers_it(record: Name) -> None:
    used = re.compile(rf"\b{re.escape(record.name)}\b")
    assert [each for each in record.needed_by if not used.search((OURS / each).read_text())] == []
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


def test_each_private_name_of_jupyterlab_that_the_page_uses_is_listed() -> None:
    source = TESTS.parent / "src"
    texts = [path.read_text() for path in source.rglob("*.ts*") if "__tests__" not in path.parts]
    # Types hide a private name, so the object is cast to an interface of ours first.
    used = {name for text in texts for name in re.findall(r"\)\??\.(_[a-z]\w+)", text)}
    listed = UPSTREAM_MD.read_text().partition("## Private names in the page")[2]
    assert used == set(re.findall(r"\.(_\w+)` of", listed))


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def defined_in(tree: ast.AST) -> set[str]:
    """Return the names that a module gives to something, the attributes of its objects included."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(ast.Name("self" | "cls"), name, ast.Store()):
                found.add(name)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                found.add(node.name)
            case ast.Name(name, ast.Store()):
                found.add(name)
            case ast.Assign([ast.Name("__slots__")], value):
                texts = (each.value for each in ast.walk(value) if isinstance(each, ast.Constant))
                found |= {each for each in texts if isinstance(each, str)}
    return found


def asked_in(tree: ast.AST) -> set[str]:
    """Return the attributes that a module asks for, also by their text."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(_, name):
                found.add(name)
            case ast.Call(ast.Name("getattr" | "hasattr"), [_, ast.Constant(str() as name), *_]):
                found.add(name)
    return found


def inherited_in(module: str, tree: ast.AST) -> set[str]:
    """Return what classes of a module use or override of the classes that they derive from."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef):
            continue
        cls = getattr(import_module(module), node.name, None)
        if not isinstance(cls, type):
            continue
        bases = [base for base in cls.__mro__ if not base.__module__.startswith("jmcp_lab")]
        found |= {
            name
            for name in filter(is_private, defined_in(node) | asked_in(node))
            if any(name in vars(base) or sets_on_itself(base, name) for base in bases)
        }
    return found


def private_names() -> dict[str, set[str]]:
    """Return the private names of other packages that our modules use, by module."""
    found = {}
    for path in OURS.rglob("*.py"):
        where = path.relative_to(OURS).as_posix()
        if where == "_version.py" or "labextension" in where:
            continue
        tree = ast.parse(path.read_text())
        module = ".".join(("jmcp_lab", *path.relative_to(OURS).with_suffix("").parts))
        names = (asked_in(tree) - defined_in(tree)) | inherited_in(module, tree)
        found[where] = {*filter(is_private, names)} - PUBLIC
    return found


def test_each_private_name_of_another_package_is_listed_with_every_module_that_uses_it() -> None:
    listed: dict[str, set[str]] = defaultdict(set)
    for record in NAMES:
        for each in record.needed_by:
            listed[each].add(record.name)
    missing = {where: names - listed[where] for where, names in private_names().items()}
    assert {where: names for where, names in missing.items() if names} == {}


def test_the_search_for_private_names_finds_each_way_to_use_one() -> None:
    found = private_names()
    assert "_contents_manager" in found["rooms/upstream/file_view.py"]  # of another object
    assert "_document" in found["rooms/upstream/document_room.py"]  # of a base class
    assert "_on_document_change" in found["rooms/upstream/document_room.py"]  # overridden
    assert "_jupyter_current_user" in found["panel/base.py"]  # set
    assert "_update_send_stream" in found["rooms/upstream/document_room.py"]  # by its text


def test_every_private_module_that_is_imported_is_listed() -> None:
    listed = {each for record in NAMES for each in record.needed_by}
    found = {
        path.relative_to(OURS).as_posix()
        for path in OURS.rglob("*.py")
        if re.search(r"(pycrdt|jupyter_\w+|nbformat)\._", path.read_text())
    }
    assert found - {"rooms/upstream/names.py"} <= listed


def test_names_of_the_other_package_are_checked_only_where_it_keeps_the_documents() -> None:
    missing = missing_names(live=False, others=True)
    assert [*missing] == [record for record in NAMES if record.part is Part.OTHERS]
    assert not any(record.part is Part.OTHERS for record in missing_names(live=True))


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


@pytest.mark.parametrize("size", [1, 100, 127, 128, 20_000])
def test_only_the_update_that_a_joining_page_brings_is_intercepted(size: int) -> None:
    class Room:
        on_message = None

    heard: list[bytes] = []
    room = Room()
    Upstream.on_joining_update(room, heard.append)  # type: ignore[arg-type]
    update = b"u" * size
    assert room.on_message is not None
    assert room.on_message(bytes([0, 1]) + write_var_uint(size) + update) is False
    assert room.on_message(create_update_message(update)) is False
    assert room.on_message(b"\x01awareness") is False
    assert room.on_message(b"\x00\x00\x01\x00") is False
    assert heard == [update]
