"""Private names of other Python packages that this one relies on.

A minor release of one of them may rename any of these. So all are looked for when the extension
starts, before anything is changed in these packages. Where one is missing that live documents need,
the rooms are left to jupyter-server-ydoc, and agents get no notebook; where one is missing that a
smaller change needs, only that change is left out. `docs/upstream.md` says what each change is for.
"""

from __future__ import annotations

import dis
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from inspect import unwrap
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

Looked = Literal["has", "mentions"]
"""Whether a place has a name as its attribute, or a function's code mentions it."""


class Part(StrEnum):
    """What needs a name, in the words of the log."""

    ROOMS = "live documents"
    DOCUMENTS = "notebooks"
    FILE_IDS = "file ids that follow their folders"
    SIGNATURES = "signatures worked out in a thread"
    SESSIONS = "one kernel a notebook, also where two ask at once"
    SIGNALS = "an orderly end on every signal"
    KERNELS = "an end that no kernel can hold up"
    HARDENING = "the hardened server"
    SETTINGS = "settings that are checked one by one"
    REPLIES = "details of replies, saves and kernels"


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
        try:
            owner = _owner(self.place)
            if self.looked == "mentions":
                return self.name in _mentioned(unwrap(owner))
            return hasattr(owner, self.name) or _sets_on_itself(owner, self.name)
        except Exception:
            # Whatever a changed package does when it is looked at, the server starts.
            return False


def missing_names(*, live: bool) -> tuple[Name, ...]:
    """Return the names that are not there.

    Parameters
    ----------
    live : bool
        Whether jupyter-server-ydoc keeps the documents. Elsewhere its names are not needed, and
        nothing of it is imported.
    """
    return tuple(
        each for each in NAMES if (live or each.part is not Part.ROOMS) and not each.is_there()
    )


def names_off(missing: Collection[Name]) -> list[str]:
    """Return in words the names without which agents get no notebook."""
    return [str(name) for name in missing if name.part in OFF_LIVE]


def words_of_parts(missing: Collection[Name]) -> list[str]:
    """Return what the log says of each smaller change that is left out."""
    parts = dict.fromkeys(name.part for name in missing if name.part not in OFF_LIVE)
    return [
        f"The installed packages do not fit this version of jmcp_lab, which goes on without {part} "
        f"(missing: {', '.join(str(name) for name in missing if name.part is part)})."
        for part in parts
    ]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(not installed)"


def _owner(place: str) -> Any:  # noqa: ANN401
    module, _, path = place.partition(":")
    owner: Any = import_module(module)
    for step in filter(None, path.split(".")):
        owner = getattr(owner, step)
    return owner


def _functions(owner: type) -> Iterator[CodeType]:
    """Yield the code of each function of a class, and of its properties."""
    for cls in owner.__mro__:
        for found in vars(cls).values():
            parts = (found.fget, found.fset) if isinstance(found, property) else (found,)
            for part in parts:
                plain = unwrap(getattr(part, "__func__", part)) if callable(part) else None
                if isinstance(plain, FunctionType):
                    yield plain.__code__


def _sets_on_itself(owner: object, name: str) -> bool:
    """Return whether a function of a class sets an attribute of that name."""
    if not isinstance(owner, type):
        return False
    # Few functions have the name at all, and disassembling all would hold up each start.
    return any(
        name in code.co_names and name in _attributes_set(code) for code in _functions(owner)
    )


@cache
def _attributes_set(code: CodeType) -> frozenset[str]:
    return frozenset(
        str(step.argval) for step in dis.get_instructions(code) if step.opname == "STORE_ATTR"
    )


def _mentioned(function: Any) -> set[str]:  # noqa: ANN401
    """Return the names, parameters and texts in the code of a function."""
    found: set[str] = set()
    codes = [function.__code__] if isinstance(function, FunctionType) else []
    while codes:
        code = codes.pop()
        found |= {*code.co_names, *code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]}
        found |= {each for each in code.co_consts if isinstance(each, str)}
        codes += [each for each in code.co_consts if isinstance(each, CodeType)]
    return found


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
_SERVER = "rooms/upstream/ydoc_server.py"
_DOCUMENT = "notebooks/notebook_document.py"
_TYPES = "notebooks/pycrdt_types.py"

# fmt: off
NAMES: tuple[Name, ...] = (
    # -- the rooms of jupyter-server-ydoc, whose place ours take ---------------------------------
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.rooms:DocumentRoom",
            "_file _file_format _file_type _document _update_lock _save_delay _save_to_disc "
            "_emit _on_document_change _on_outofband_change _room_id room_id file_type "
            "file_format cleaner initialize create_task log ydoc",
            _ROOM, _PAGES_ROOM, _SERVER, "rooms/saving/file_sync.py",
            test="rooms/test_restarts.py"),
    *_names(Part.ROOMS, "pycrdt", "pycrdt.websocket:YRoom",
            "_update_send_stream _update_receive_stream _watch_ready _broadcast_updates "
            "_task_group _handle_exception serve stop ready ready_event ydoc_observed clients "
            "on_message on_message_error awareness ystore",
            _ROOM, _PAGES_ROOM, _SERVER, test="rooms/pages/test_pages.py"),
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.rooms", "DocumentRoom",
            _PAGES_ROOM, test="rooms/test_restarts.py"),
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.app", "DocumentRoom",
            _SERVER, test="rooms/test_restarts.py"),
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.handlers",
            "DocumentRoom check_session_compatibility",
            _SERVER, test="rooms/test_restarts.py"),
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.utils",
            "LogLevel OutOfBandChanges check_session_compatibility",
            _ROOM, _SERVER, test="rooms/test_restarts.py"),
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
            "_save_to_disc", _ROOM, test="rooms/upstream/test_names.py", looked="mentions"),
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.handlers:YDocWebSocketHandler.open",
            "collaborative_session_store_path",
            _SERVER, test="rooms/upstream/test_store.py", looked="mentions"),
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.app:YDocExtension",
            "ywebsocket_server file_loaders _room_locks get_document stop_extension disable_rtc",
            _SERVER, "rooms/liveness.py", test="rooms/test_liveness.py"),
    *_names(Part.ROOMS, "pycrdt", "pycrdt.websocket:WebsocketServer", "rooms delete_room",
            _SERVER, test="rooms/test_restarts.py"),
    *_names(Part.ROOMS, "pycrdt", "pycrdt.store:BaseYStore",
            "write stop start started read apply_updates",
            "rooms/upstream/store_interface.py", test="rooms/upstream/test_store.py"),
    # -- the files of rooms ----------------------------------------------------------------------
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.loaders:FileLoader",
            "maybe_notify _save_content_at_path _contents_manager _lock path last_modified "
            "maybe_save_content number_of_subscriptions",
            "rooms/upstream/followed_loader.py", "rooms/upstream/file_view.py",
            "rooms/saving/file_sync.py", _SERVER, test="rooms/test_external_changes.py"),
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.loaders:FileLoader._save_content",
            "_save_content_at_path", "rooms/upstream/followed_loader.py",
            test="rooms/test_external_changes.py", looked="mentions"),
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.loaders:FileLoader._watch_file",
            "maybe_notify", "rooms/upstream/followed_loader.py",
            test="rooms/test_external_changes.py", looked="mentions"),
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.loaders:FileLoader.maybe_save_content",
            "OutOfBandChanges", _ROOM,
            test="rooms/test_external_changes.py", looked="mentions"),
    *_names(Part.ROOMS, _YDOC, "jupyter_server_ydoc.loaders:FileLoaderMapping",
            "remove __getitem__",
            _SERVER, "rooms/upstream/followed_loader.py", test="rooms/test_external_changes.py"),
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
    *_names(Part.DOCUMENTS, "pycrdt", "pycrdt:Doc", "_txn _read_transaction _exceptions",
            "notebooks/live_notebook.py", "notebooks/deep_events.py",
            test="notebooks/test_scale.py"),
    *_names(Part.DOCUMENTS, "pycrdt", "pycrdt:Transaction", "_txn",
            "notebooks/cell_order.py", "notebooks/shared_values.py",
            test="notebooks/test_shared_values.py"),
    *_names(Part.DOCUMENTS, "pycrdt", "pycrdt:Array", "integrated _maybe_as_type_or_doc doc",
            "notebooks/cell_order.py", "notebooks/deep_events.py",
            test="notebooks/test_scale.py"),
    *_names(Part.DOCUMENTS, "pycrdt", "pycrdt:Map", "integrated _maybe_as_type_or_doc doc",
            "notebooks/cell_order.py", "notebooks/shared_values.py",
            test="notebooks/test_shared_values.py"),
    *_names(Part.DOCUMENTS, "pycrdt", "pycrdt._pycrdt",
            "Array Map Text ArrayEvent MapEvent TextEvent",
            _TYPES, test="notebooks/test_shared_values.py"),
    *_names(Part.DOCUMENTS, "pycrdt", "pycrdt._base", "BaseType process_event",
            _TYPES, test="notebooks/test_scale.py"),
    *_names(Part.DOCUMENTS, "pycrdt", "pycrdt._pycrdt:Array",
            "get len observe observe_deep",
            "notebooks/cell_order.py", "notebooks/shared_values.py", "notebooks/deep_events.py",
            test="notebooks/test_scale.py"),
    *_names(Part.DOCUMENTS, "pycrdt", "pycrdt._pycrdt:Map", "get has keys len",
            "notebooks/cell_order.py", "notebooks/shared_values.py",
            test="notebooks/test_shared_values.py"),
    *_names(Part.DOCUMENTS, "pycrdt", "pycrdt._pycrdt:Text", "get_string",
            "notebooks/cell_order.py", test="notebooks/test_shared_values.py"),
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
            "_jupyter_current_user", "panel/pairing_handlers.py",
            test="panel/test_who_may.py", looked="mentions"),
    *_names(Part.REPLIES, "tornado", "tornado.web:RequestHandler", "_headers",
            "mcp/handler.py", test="mcp/test_requests.py"),
)
# fmt: on
