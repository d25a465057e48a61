"""Find out whether this server's pages share live documents with jmcp_lab, and if not, why."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection

    from jupyter_server.serverapp import ServerApp

YDOC = "jupyter_server_ydoc"
DOCUMENTS = "jupyter_server_documents"


class NotLive(StrEnum):
    """Reasons why live documents are off."""

    DISABLED = "disable_rtc"
    """An administrator switched them off with ``YDocExtension.disable_rtc``."""

    NO_EXTENSION = "no_extension"
    """jupyter_server_ydoc is disabled, or failed to load."""

    OTHERS = "other_documents"
    """jupyter-server-documents is installed and serves live documents of its own."""

    UPSTREAM = "upstream_changed"
    """A package that live documents are made of has no more what this one relies on."""


_FIT = "Run 'pip install --upgrade jmcp_lab'"

_WHY = {
    NotLive.DISABLED: "YDocExtension.disable_rtc is set",
    NotLive.NO_EXTENSION: "the server extension jupyter_server_ydoc is disabled or did not load",
}


def why_not_live(serverapp: ServerApp) -> NotLive | None:
    """Return the reason why live documents are off on this server, or None if they are on.

    Jupyter links all extensions before it loads the first one, so this is known when ours loads.
    Whether the other extension has really loaded is known only after all have; until then, this
    function assumes that it has.
    """
    manager: Any = serverapp.extension_manager
    if _enabled(manager, DOCUMENTS):
        return NotLive.OTHERS
    if not _enabled(manager, YDOC):
        return NotLive.NO_EXTENSION
    (app,) = manager.extension_apps[YDOC]
    return NotLive.DISABLED if getattr(app, "disable_rtc", False) else None


def failed_to_load(serverapp: ServerApp) -> bool:
    """Return whether jupyter_server_ydoc is enabled but raised an error while it loaded."""
    manager: Any = serverapp.extension_manager
    return any(
        getattr(app, "ywebsocket_server", None) is None for app in manager.extension_apps[YDOC]
    )


def say_so_to_pages(serverapp: ServerApp, why: NotLive) -> None:
    """Tell pages to open files without live documents if nothing serves these.

    jupyter-docprovider, the frontend of jupyter-server-ydoc, assumes that live documents are served
    unless the page config says otherwise. Every page would then wait for its document for ever.
    """
    if why is NotLive.UPSTREAM:
        # What is missing may be what tells whether the other one has loaded.
        why = why_not_live(serverapp) or why
    if why is NotLive.NO_EXTENSION:
        page_config = serverapp.web_app.settings.setdefault("page_config_data", {})
        page_config["disableRTC"] = True


def _enabled(manager: Any, name: str) -> bool:  # noqa: ANN401 - its attributes carry no types
    found = manager.extensions.get(name)
    return bool(found and found.enabled and manager.linked_extensions.get(name))


def log_words(why: NotLive, missing: Collection[str] = ()) -> str:
    """Return the message for the server's log.

    Parameters
    ----------
    why : NotLive
    missing : collection of str, optional
        Names that other packages no longer have, if that is the reason.
    """
    if why is NotLive.UPSTREAM:
        return (
            "Agents cannot use notebooks or change files: the installed packages do not match "
            f"this version of jmcp_lab (missing: {', '.join(missing)}). Pages open and save as "
            f"they do without jmcp_lab. {_FIT} and restart the server."
        )
    if why is NotLive.OTHERS:
        return (
            "jupyter-server-documents is installed and manages the live documents. Agents edit "
            "these, and the files of notebooks that no page has open."
        )
    return (
        f"Live documents are off: {_WHY[why]}. Agents edit the notebook files, and open pages load "
        "what agents write."
    )


def agent_words(why: NotLive, missing: Collection[str] = ()) -> str:
    """Return the message that an agent gets on its first use of each notebook.

    If packages do not fit, the agent gets it instead of every notebook. The message asks nobody to
    enable anything: two layers of live documents would conflict.
    """
    if why is NotLive.UPSTREAM:
        return (
            "Nothing was opened or changed. Agents cannot use notebooks or change files on this "
            "server, because its installed packages do not match its version of jmcp_lab "
            f"(missing: {', '.join(missing)}). Calling again does not help. Tell the user: "
            f"{_FIT.lower()} and restart the Jupyter server. Until then the notebooks work as "
            "usual for the user. You can read text files, and run code with execute_ipython in a "
            "kernel that list_kernels shows."
        )
    if why is NotLive.OTHERS:
        return (
            "jupyter-server-documents manages the live documents on this server. Your changes are "
            "merged into what the user's page shows; a notebook that no page has open is saved at "
            "once. Outputs appear once a second."
        )
    return (
        f"Live documents are off on this server ({_WHY[why]}), so you work on the notebook's file. "
        "Your changes are saved at once, and an open page loads them. You do not see what the "
        "user has typed and not saved. Where JupyterLab cannot save it for them, your edits are "
        "refused until they save it."
    )
