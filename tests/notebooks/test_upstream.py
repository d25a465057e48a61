"""The names of jupyter-server-ydoc and its neighbours that this package leans on.

When one of these tests fails after an upgrade, `jmcp_lab/notebooks/upstream.py` is the one place
to mend.
"""

from __future__ import annotations

import inspect
from importlib.metadata import version

import pytest
from jupyter_server_fileid.manager import BaseFileIdManager
from jupyter_server_ydoc.app import YDocExtension
from jupyter_server_ydoc.loaders import FileLoader, FileLoaderMapping
from jupyter_server_ydoc.rooms import DocumentRoom
from jupyter_ydoc import YNotebook
from pycrdt import Doc, create_update_message
from pycrdt.store import SQLiteYStore
from pycrdt.websocket import YRoom

from jmcp_lab.notebooks.upstream import SESSION_EVENTS, Upstream


def written_in(owner: type, name: str) -> bool:
    """Return whether a class has a member, or sets one on itself."""
    sources = [inspect.getsource(cls) for cls in owner.__mro__[:-1] if cls.__module__ != "abc"]
    return hasattr(owner, name) or any(f"self.{name}" in source for source in sources)


@pytest.mark.parametrize(
    ("owner", "names"),
    [
        (
            DocumentRoom,
            "_file _document _update_lock _saving_document _save_to_disc cleaner clients ready "
            "initialize on_message room_id file_type awareness _emit _on_outofband_change",
        ),
        (YRoom, "_update_send_stream _update_receive_stream ready_event"),
        (
            YDocExtension,
            "ywebsocket_server file_loaders _room_locks disable_rtc ystore_class get_document",
        ),
        (
            FileLoader,
            "path number_of_subscriptions last_modified load_content maybe_save_content "
            "_save_content_at_path maybe_notify _subscriptions _lock _contents_manager",
        ),
        (FileLoaderMapping, "remove __contains__ __getitem__"),
        (BaseFileIdManager, "index get_id get_path move delete"),
        (YNotebook, "ycells create_ycell get_cell dirty get aget set"),
        (Doc, "_txn"),
        (SQLiteYStore, "write stop"),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_the_names_that_we_lean_on_are_there(owner: type, names: str) -> None:
    missing = [name for name in names.split() if not written_in(owner, name)]
    assert not missing, (
        f"{owner.__module__}.{owner.__name__} has no {', '.join(missing)} any more "
        f"(jupyter-server-ydoc {version('jupyter-server-ydoc')}, pycrdt {version('pycrdt')}): "
        "mend jmcp_lab/notebooks/upstream.py"
    )


def test_saving_at_once_returns_a_task_or_nothing() -> None:
    source = inspect.getsource(DocumentRoom._save_to_disc)
    assert "return self._saving_document" in source
    assert "if self._update_lock.locked():" in source


def test_a_loader_looks_and_writes_by_names_that_we_put_our_own_in_the_place_of() -> None:
    assert "self._save_content_at_path(model, path)" in inspect.getsource(FileLoader._save_content)
    assert "raise OutOfBandChanges" in inspect.getsource(FileLoader.maybe_save_content)
    assert "self.maybe_notify()" in inspect.getsource(FileLoader._watch_file)
    assert "self._subscriptions.values()" in inspect.getsource(FileLoader.maybe_notify)
    source = inspect.getsource(DocumentRoom._maybe_save_document)
    assert "self._file.maybe_save_content(" in source
    assert "await self._document.aget()" in source


def test_the_event_of_rooms_has_the_name_that_we_listen_for() -> None:
    from jupyter_server_ydoc.utils import JUPYTER_COLLABORATION_EVENTS_URI

    assert SESSION_EVENTS == JUPYTER_COLLABORATION_EVENTS_URI


@pytest.mark.parametrize("size", [1, 100, 127, 128, 20_000])
def test_the_update_of_a_page_is_heard_and_other_messages_are_not(size: int) -> None:
    class Room:
        on_message = None

    heard: list[bytes] = []
    room = Room()
    Upstream.on_update(room, heard.append)  # type: ignore[arg-type]
    update = b"u" * size
    assert room.on_message is not None
    assert room.on_message(create_update_message(update)) is False
    assert room.on_message(b"\x01awareness") is False
    assert room.on_message(b"\x00\x00\x01\x00") is False
    assert heard == [update]
