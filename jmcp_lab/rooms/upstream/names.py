"""Private names of other Python packages that this one relies on: the list is `NAMES`, below.

`tests/rooms/upstream/test_names.py` compares it with every private name that the code uses.

A minor release of one of them may rename any of these. So all are looked for when the extension
starts, before anything is changed in these packages. Where one is missing that live documents need,
the rooms are left to jupyter-server-ydoc, and agents get no notebook; where one is missing that a
smaller change needs, only that change is left out. `docs/upstream.md` says what each change is for.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from .name_lookup import is_there

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from .name_lookup import Looked


class Part(StrEnum):
    """What needs a name, in the words of the log."""

    ROOMS = "live documents"
    DOCUMENTS = "notebooks"
    OTHERS = "the live documents of jupyter-server-documents"
    FILE_IDS = "file ids that follow their folders"
    SIGNATURES = "signatures computed in a thread"
    SESSIONS = "one kernel per notebook, even when two ask at once"
    SIGNALS = "an orderly shutdown on every signal"
    KERNELS = "a shutdown that no kernel can delay"
    HARDENING = "the hardened server"
    SETTINGS = "settings that are checked one by one"
    REPLIES = "details of replies, saves and kernels"
    LOGS = "a log in which no address holds a secret"


OFF_LIVE = frozenset({Part.ROOMS, Part.DOCUMENTS})
"""Without a name that these need, agents get no notebook."""


@dataclass(frozen=True, slots=True)
class Name:
    """One name that we rely on.

    Parameters
    ----------
    part : Part
        What does not work without it.
    package : str
        The distribution that has it.
    place : str
        A module, and after a colon what is in it: ``package.module:Class.method``.
    name : str
    needed_by : tuple of str
        Our modules that use it, below ``jmcp_lab/``.
    test : str
        The test that fails without it, below ``tests/``.
    looked : str, optional
        How it is looked for.
    """

    part: Part
    package: str
    place: str
    name: str
    needed_by: tuple[str, ...]
    test: str
    looked: Looked = "has"

    def __str__(self) -> str:
        owner = self.place.rpartition(":")[2]
        named = f"{owner}.{self.name}" if self.looked == "has" else f"{self.name} in {owner}"
        return f"{named} of {self.package} {_version(self.package)}"

    def is_there(self) -> bool:
        """Look for it now."""
        return is_there(self.place, self.name, self.looked)


def missing_names(*, live: bool, others: bool = False) -> tuple[Name, ...]:
    """Return the names that are not there.

    Parameters
    ----------
    live : bool
        Whether jupyter-server-ydoc keeps the documents. Elsewhere its names are not needed, and
        nothing of it is imported.
    others : bool, optional
        Whether jupyter-server-documents keeps them.
    """
    unused = {*([] if live else [Part.ROOMS]), *([] if others else [Part.OTHERS])}
    return tuple(each for each in NAMES if each.part not in unused and not each.is_there())


def names_off(missing: Collection[Name]) -> list[str]:
    """Return in words the names without which agents get no notebook."""
    return [str(name) for name in missing if name.part in OFF_LIVE]


def words_of_parts(missing: Collection[Name]) -> list[str]:
    """Return what the log says of each smaller change that is left out."""
    parts = dict.fromkeys(name.part for name in missing if name.part not in OFF_LIVE)
    return [
        f"The installed packages do not match this version of jmcp_lab, which works without {part} "
        f"(missing: {', '.join(str(name) for name in missing if name.part is part)})."
        for part in parts
    ]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(not installed)"


def _names(
    part: Part,
    package: str,
    place: str,
    names: str,
    *needed_by: str,
    test: str,
    looked: Looked = "has",
) -> Iterable[Name]:
    return (Name(part, package, place, each, needed_by, test, looked) for each in names.split())


_YDOC = "jupyter-server-ydoc"
_ROOM = "rooms/live_room.py"
_PAGES_ROOM = "rooms/pages/pages_room.py"
_BASE = "rooms/upstream/document_room.py"
_FILE = "rooms/upstream/room_file.py"
_LOADER = "rooms/upstream/followed_loader.py"
_SERVER = "rooms/upstream/ydoc_server.py"
_DOCUMENT = "notebooks/notebook_document.py"
_TYPES = "notebooks/pycrdt_types.py"
_DEEP = "notebooks/deep_events.py"
_NOTEBOOK = "notebooks/live_notebook.py"
_ORDER = "notebooks/cell_order.py"
_VALUES = "notebooks/shared_values.py"
_OTHERS = "jupyter-server-documents"
_PEERS = "rooms/other_documents.py"

# fmt: off
NAMES: tuple[Name, ...] = (
    # -- the rooms of jupyter-server-ydoc, whose place ours take ---------------------------------
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.rooms:DocumentRoom",
            "_file _document _update_lock _save_delay _save_to_disc _emit _on_document_change "
            "_on_outofband_change room_id file_type file_format log ydoc",
            _BASE, test="rooms/test_restarts.py"),
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.rooms:DocumentRoom", "initialize",
            _ROOM, _SERVER, test="rooms/test_restarts.py"),
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.rooms:DocumentRoom", "cleaner",
            _BASE, _SERVER, test="rooms/test_files.py"),
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.rooms:DocumentRoom", "create_task",
            _PAGES_ROOM, test="rooms/pages/test_pages.py"),
    *_names(Part.ROOMS, "pycrdt", "pycrdt.websocket:YRoom",
            "_update_send_stream _update_receive_stream _watch_ready _broadcast_updates "
            "_task_group _handle_exception ydoc_observed",
            _BASE, test="rooms/pages/test_pages.py"),
    *_names(Part.ROOMS, "pycrdt", "pycrdt.websocket:YRoom", "stop ready ready_event",
            _BASE, _ROOM, test="rooms/pages/test_pages.py"),
    *_names(Part.ROOMS, "pycrdt", "pycrdt.websocket:YRoom", "clients on_message",
            _BASE, _PAGES_ROOM, _SERVER, test="rooms/pages/test_pages.py"),
    *_names(Part.ROOMS, "pycrdt", "pycrdt.websocket:YRoom", "awareness ystore on_message_error",
            _BASE, _PAGES_ROOM, test="rooms/pages/test_pages.py"),
    *_names(Part.ROOMS, "pycrdt", "pycrdt.websocket:YRoom", "serve",
            _PAGES_ROOM, test="rooms/pages/test_pages.py"),
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.rooms", "DocumentRoom",
            _BASE, test="rooms/test_restarts.py"),
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.app", "DocumentRoom",
            _SERVER, test="rooms/test_restarts.py"),
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.handlers",
            "DocumentRoom check_session_compatibility",
            _SERVER, test="rooms/test_restarts.py"),
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.utils", "LogLevel",
            _BASE, test="rooms/test_restarts.py"),
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.utils", "OutOfBandChanges",
            _FILE, test="rooms/test_external_changes.py"),
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.utils", "check_session_compatibility",
            _SERVER, test="rooms/test_restarts.py"),
    # Without these mentions a room would not be one of ours, or its pages would be turned away.
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.app:YDocExtension.get_document",
            "DocumentRoom path content_type file_format copy create",
            _SERVER, test="rooms/upstream/test_names.py", looked="mentions"),
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.handlers:YDocWebSocketHandler.prepare",
            "DocumentRoom", _SERVER, test="rooms/upstream/test_names.py", looked="mentions"),
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.handlers:YDocWebSocketHandler.open",
            "check_session_compatibility",
            _SERVER, test="rooms/upstream/test_names.py", looked="mentions"),
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.handlers:YDocWebSocketHandler.on_message",
            "_save_to_disc", _BASE, test="rooms/upstream/test_names.py", looked="mentions"),
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.handlers:YDocWebSocketHandler.open",
            "collaborative_session_store_path",
            _SERVER, test="rooms/history/test_store.py", looked="mentions"),
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.app:YDocExtension",
            "file_loaders _room_locks get_document stop_extension",
            _SERVER, test="rooms/test_files.py"),
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.app:YDocExtension", "ywebsocket_server",
            _SERVER, "rooms/liveness.py", test="rooms/test_liveness.py"),
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.app:YDocExtension", "disable_rtc",
            "rooms/liveness.py", test="rooms/test_liveness.py"),
    # What is told of a room that a page has opened.
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.utils", "JUPYTER_COLLABORATION_EVENTS_URI",
            _SERVER, test="rooms/test_renamed_while_open.py"),
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.rooms:DocumentRoom._emit", "room action",
            "rooms/moved_files.py", "kernels/stale_cells.py",
            test="rooms/test_renamed_while_open.py", looked="mentions"),
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.rooms:DocumentRoom._emit", "level",
            "rooms/rooms.py", "rooms/moved_files.py",
            test="rooms/test_renamed_while_open.py", looked="mentions"),
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.rooms:DocumentRoom._emit", "msg",
            "rooms/rooms.py", test="rooms/test_troubles.py", looked="mentions"),
    *_names(Part.ROOMS, "pycrdt", "pycrdt.websocket:WebsocketServer", "rooms delete_room",
            _SERVER, test="rooms/test_restarts.py"),
    *_names(Part.ROOMS, "pycrdt", "pycrdt.store:BaseYStore",
            "write stop start started read apply_updates",
            "rooms/upstream/store_interface.py", test="rooms/history/test_store.py"),
    # -- the files of rooms ----------------------------------------------------------------------
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.loaders:FileLoader",
            "maybe_notify _save_content_at_path", _LOADER, test="rooms/test_external_changes.py"),
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.loaders:FileLoader", "_contents_manager",
            "rooms/upstream/file_view.py", test="files/test_line_ends.py"),
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.loaders:FileLoader",
            "_lock path last_modified maybe_save_content",
            _FILE, test="rooms/test_external_changes.py"),
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.loaders:FileLoader", "number_of_subscriptions",
            _SERVER, test="rooms/test_files.py"),
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.loaders:FileLoader._save_content",
            "_save_content_at_path", _LOADER,
            test="rooms/test_external_changes.py", looked="mentions"),
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.loaders:FileLoader._watch_file",
            "maybe_notify", _LOADER,
            test="rooms/test_external_changes.py", looked="mentions"),
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.loaders:FileLoader.maybe_save_content",
            "OutOfBandChanges", _FILE,
            test="rooms/test_external_changes.py", looked="mentions"),
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.loaders:FileLoaderMapping",
            "remove", _SERVER, test="rooms/test_files.py"),
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.loaders:FileLoaderMapping", "__getitem__",
            _LOADER, test="rooms/test_external_changes.py"),
    *_names(Part.ROOMS, "jupyter-server-fileid", "jupyter_server_fileid.manager:BaseFileIdManager",
            "index get_id get_path move delete", _SERVER,
            test="rooms/test_renamed_while_open.py"),
    # -- notebooks -------------------------------------------------------------------------------
    *_names(Part.DOCUMENTS, "jupyter-ydoc", "jupyter_ydoc", "ydocs YNotebook",
            _DOCUMENT, test="codec/test_values.py"),
    *_names(Part.DOCUMENTS, "jupyter-ydoc", "jupyter_ydoc:YNotebook",
            "_ycells _ymeta _ystate _subscriptions _set _get _update_cell _cell_to_py "
            "_create_youtputs create_ycell aset observe unobserve",
            _DOCUMENT, test="codec/test_values.py"),
    *_names(Part.DOCUMENTS, "pycrdt", "pycrdt:Doc", "_txn",
            _NOTEBOOK, _BASE, test="notebooks/test_scale.py"),
    *_names(Part.DOCUMENTS, "pycrdt", "pycrdt:Doc", "_read_transaction _exceptions",
            _DEEP, test="notebooks/test_scale.py"),
    *_names(Part.DOCUMENTS, "pycrdt", "pycrdt:Transaction", "_txn",
            _ORDER, _VALUES, test="notebooks/test_shared_values.py"),
    *_names(Part.DOCUMENTS, "pycrdt", "pycrdt:Array", "integrated doc",
            _ORDER, _DEEP, test="notebooks/test_scale.py"),
    *_names(Part.DOCUMENTS, "pycrdt", "pycrdt:Array", "_maybe_as_type_or_doc",
            _ORDER, test="notebooks/test_scale.py"),
    *_names(Part.DOCUMENTS, "pycrdt", "pycrdt:Map", "integrated _maybe_as_type_or_doc doc",
            _ORDER, _VALUES, test="notebooks/test_shared_values.py"),
    *_names(Part.DOCUMENTS, "pycrdt", "pycrdt._pycrdt",
            "Array Map Text ArrayEvent MapEvent TextEvent",
            _TYPES, test="notebooks/test_shared_values.py"),
    *_names(Part.DOCUMENTS, "pycrdt", "pycrdt._base", "BaseType process_event",
            _TYPES, test="notebooks/test_scale.py"),
    *_names(Part.DOCUMENTS, "pycrdt", "pycrdt._pycrdt:Array", "get len",
            _ORDER, _VALUES, test="notebooks/test_shared_values.py"),
    *_names(Part.DOCUMENTS, "pycrdt", "pycrdt._pycrdt:Array", "observe",
            _ORDER, test="notebooks/test_scale.py"),
    *_names(Part.DOCUMENTS, "pycrdt", "pycrdt._pycrdt:Array", "observe_deep",
            _DEEP, test="notebooks/test_scale.py"),
    *_names(Part.DOCUMENTS, "pycrdt", "pycrdt._pycrdt:Map", "get keys len",
            _ORDER, _VALUES, test="notebooks/test_shared_values.py"),
    *_names(Part.DOCUMENTS, "pycrdt", "pycrdt._pycrdt:Map", "has",
            _ORDER, test="notebooks/test_shared_values.py"),
    *_names(Part.DOCUMENTS, "pycrdt", "pycrdt._pycrdt:Text", "get_string",
            _ORDER, test="notebooks/test_shared_values.py"),
    *_names(Part.DOCUMENTS, "nbformat", "nbformat.v4.rwbase", "rejoin_lines split_lines",
            "files/notebook_files.py", test="rooms/test_values.py"),
    # -- smaller changes, each left out by itself --------------------------------------------------
    *_names(Part.FILE_IDS, "jupyter-server-fileid",
            "jupyter_server_fileid.manager:BaseFileIdManager",
            "_move_recursive _delete_recursive _normalize_path move",
            "files/file_ids.py", test="files/test_file_ids.py"),
    *_names(Part.FILE_IDS, "jupyter-server-fileid",
            "jupyter_server_fileid.manager:LocalFileIdManager", "con",
            "files/file_ids.py", test="files/test_file_ids.py"),
    *_names(Part.FILE_IDS, "jupyter-server-fileid", "jupyter_server_fileid.manager",
            "ArbitraryFileIdManager LocalFileIdManager",
            "files/file_ids.py", test="files/test_file_ids.py"),
    *_names(Part.SIGNATURES, "jupyter-server",
            "jupyter_server.services.contents.filemanager:AsyncFileContentsManager",
            "get save _notebook_model mark_trusted_cells check_and_sign notary",
            "files/signatures.py", test="files/test_signatures.py"),
    *_names(Part.SIGNATURES, "jupyter-server",
            "jupyter_server.services.contents.manager:ContentsManager", "_pre_save_hooks",
            "files/ready_nodes.py", test="files/test_ready_nodes.py"),
    *_names(Part.SIGNATURES, "nbformat", "nbformat.sign:NotebookNotary", "compute_signature",
            "files/signatures.py", test="files/test_signatures.py"),
    *_names(Part.SESSIONS, "jupyter-server",
            "jupyter_server.services.sessions.sessionmanager:SessionManager",
            "create_session update_session list_sessions get_session cursor",
            "kernels/session_guard.py", test="kernels/test_sessions.py"),
    *_names(Part.SIGNALS, "jupyter-server", "jupyter_server.serverapp:ServerApp", "_signal_stop",
            "server/shutdown.py", test="mcp/test_signals.py"),
    *_names(Part.KERNELS, "jupyter-server", "jupyter_server.serverapp:ServerApp",
            "cleanup_kernels", "server/shutdown.py", test="mcp/test_signals.py"),
    *_names(Part.KERNELS, "jupyter-client", "jupyter_client.multikernelmanager:MultiKernelManager",
            "_pending_kernels", "server/shutdown.py", test="mcp/test_signals.py"),
    *_names(Part.HARDENING, "jupyter-server", "jupyter_server.serverapp:ServerApp",
            "server_info no_browser_open_file open_browser cookie_secret",
            "server/hardening.py", test="server/test_hardening.py"),
    # -- these are named in the log only: what needs them looks for them itself, or fails alone ----
    *_names(Part.SETTINGS, "jupyter-server",
            "jupyter_server.extension.application:ExtensionApp",
            "_load_config _find_my_config", "server/settings.py", test="server/test_settings.py"),
    *_names(Part.SETTINGS, "traitlets", "traitlets:TraitType", "_validate",
            "server/settings.py", test="server/test_settings.py"),
    *_names(Part.REPLIES, "jupyter-server",
            "jupyter_server.services.contents.manager:ContentsManager", "_pre_save_hooks",
            "files/written_hash.py", test="files/test_written_hash.py"),
    *_names(Part.REPLIES, "jupyter-server",
            "jupyter_server.services.kernels.connection.base", "deserialize_binary_message",
            "kernels/connection/gateway.py", test="kernels/test_gateway.py"),
    *_names(Part.REPLIES, "jupyter-client", "jupyter_client.manager:KernelManager", "_restarter",
            "kernels/connection/kernel_death.py", test="kernels/test_endings.py"),
    *_names(Part.REPLIES, "jupyter-server",
            "jupyter_server.base.handlers:AuthenticatedHandler.get_current_user",
            "_jupyter_current_user", "mcp/handler.py", "panel/base.py", "panel/nowhere.py",
            "panel/pairing_handlers.py", test="panel/test_who_may.py", looked="mentions"),
    *_names(Part.REPLIES, "jupyter-server", "jupyter_server.base.handlers:APIHandler",
            "_track_activity", "panel/handlers.py", "panel/pairing_handlers.py",
            test="runtime/test_activity.py"),
    *_names(Part.REPLIES, "tornado", "tornado.web:RequestHandler", "_headers _finished",
            "mcp/handler.py", test="mcp/test_requests.py"),
    *_names(Part.LOGS, "tornado", "tornado.web:RequestHandler", "_request_summary",
            "panel/base.py", "panel/nowhere.py", "panel/pairing_handlers.py",
            test="test_nowhere.py"),
    *_names(Part.LOGS, "tornado", "tornado.web:RequestHandler", "_log",
            "panel/nowhere.py", "panel/pairing_handlers.py", test="test_nowhere.py"),
    # Nothing of this package is changed. Where it is another than expected, agents use the files.
    *_names(Part.OTHERS, _OTHERS, "jupyter_server_documents.rooms.yroom_manager:YRoomManager",
            "has_room get_room", _PEERS, test="rooms/test_other_documents.py"),
    *_names(Part.OTHERS, _OTHERS, "jupyter_server_documents.rooms.yroom:YRoom",
            "get_jupyter_ydoc add_stop_callback file_api",
            _PEERS, test="rooms/test_other_documents.py"),
    *_names(Part.OTHERS, _OTHERS, "jupyter_server_documents.rooms.yroom_file_api:YRoomFileAPI",
            "content_loaded has_unsaved_changes", _PEERS, test="rooms/test_other_documents.py"),
    *_names(Part.OTHERS, _OTHERS,
            "jupyter_server_documents.execution_handlers:KernelExecuteHandler.post",
            "yroom_manager", _PEERS, test="rooms/test_other_documents.py", looked="mentions"),
)
# fmt: on
