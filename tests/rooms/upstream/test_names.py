"""The names of jupyter-server-ydoc and its neighbours that this package leans on.

When one of these tests fails after an upgrade, `rooms/upstream/ydoc_server.py` is the one place
to mend.
"""

from __future__ import annotations

import inspect
from importlib.metadata import version
from typing import Any

import pytest
from jupyter_server_fileid.manager import BaseFileIdManager
from jupyter_server_ydoc.app import YDocExtension
from jupyter_server_ydoc.handlers import YDocWebSocketHandler
from jupyter_server_ydoc.loaders import FileLoader, FileLoaderMapping
from jupyter_server_ydoc.rooms import DocumentRoom
from jupyter_ydoc import YNotebook
from pycrdt import Array, Doc, Map, Text, create_update_message, write_var_uint
from pycrdt._pycrdt import ArrayEvent as _ArrayEvent
from pycrdt._pycrdt import MapEvent as _MapEvent
from pycrdt._pycrdt import Text as _Text
from pycrdt._pycrdt import TextEvent as _TextEvent
from pycrdt.store import BaseYStore
from pycrdt.websocket import YRoom

from jmcp_lab.rooms.upstream.ydoc_server import SESSION_EVENTS, Upstream


def written_in(owner: type, name: str) -> bool:
    """Return whether a class has a member, or sets one on itself."""
    sources = [inspect.getsource(cls) for cls in owner.__mro__[:-1] if cls.__module__ != "abc"]
    return hasattr(owner, name) or any(f"self.{name}" in source for source in sources)


@pytest.mark.parametrize(
    ("owner", "names"),
    [
        (
            DocumentRoom,
            "_file _file_format _file_type _document _update_lock _save_delay _save_to_disc "
            "cleaner clients ready initialize on_message on_message_error room_id file_type "
            "file_format awareness _emit _on_document_change _on_outofband_change create_task",
        ),
        (
            YRoom,
            "_update_send_stream _update_receive_stream ready_event ydoc_observed _watch_ready "
            "_broadcast_updates _task_group _handle_exception serve stop",
        ),
        (
            YDocExtension,
            "ywebsocket_server file_loaders _room_locks disable_rtc ystore_class get_document",
        ),
        (
            FileLoader,
            "path number_of_subscriptions last_modified maybe_save_content "
            "_save_content_at_path maybe_notify _lock _contents_manager",
        ),
        (FileLoaderMapping, "remove __contains__ __getitem__"),
        (
            BaseFileIdManager,
            "index get_id get_path move delete con _normalize_path _move_recursive "
            "_delete_recursive",
        ),
        (YNotebook, "ycells create_ycell get_cell dirty get aget set"),
        (Doc, "_txn _read_transaction _exceptions"),
        (Array, "integrated _maybe_as_type_or_doc doc"),
        (Map, "integrated doc"),
        (BaseYStore, "write stop start started read apply_updates"),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_the_names_that_we_lean_on_are_there(owner: type, names: str) -> None:
    missing = [name for name in names.split() if not written_in(owner, name)]
    assert not missing, (
        f"{owner.__module__}.{owner.__name__} has no {', '.join(missing)} any more "
        f"(jupyter-server-ydoc {version('jupyter-server-ydoc')}, pycrdt {version('pycrdt')}): "
        "mend jmcp_lab/rooms/upstream/ydoc_server.py"
    )


def test_pycrdt_tells_of_changes_by_the_names_that_are_followed_without_its_wrappers() -> None:
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


def test_rooms_are_made_by_the_name_that_our_class_takes_the_place_of() -> None:
    assert "room = DocumentRoom(" in inspect.getsource(YDocExtension.get_document)
    assert "self.room = DocumentRoom(" in inspect.getsource(YDocWebSocketHandler.prepare)
    assert "check_session_compatibility(" in inspect.getsource(YDocWebSocketHandler.open)


def test_a_loader_looks_and_writes_by_names_that_we_put_our_own_in_the_place_of() -> None:
    assert "self._save_content_at_path(model, path)" in inspect.getsource(FileLoader._save_content)
    assert "raise OutOfBandChanges" in inspect.getsource(FileLoader.maybe_save_content)
    assert "self.maybe_notify()" in inspect.getsource(FileLoader._watch_file)
    assert "self._subscriptions.values()" in inspect.getsource(FileLoader.maybe_notify)


def test_the_event_of_rooms_has_the_name_that_we_listen_for() -> None:
    from jupyter_server_ydoc.utils import JUPYTER_COLLABORATION_EVENTS_URI

    assert SESSION_EVENTS == JUPYTER_COLLABORATION_EVENTS_URI


@pytest.mark.parametrize("size", [1, 100, 127, 128, 20_000])
def test_what_a_page_brings_as_it_joins_is_heard_and_other_messages_are_not(size: int) -> None:
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
