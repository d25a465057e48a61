"""People and agents in the same live notebook: a JupyterLab and Jupyter Server extension."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from .version import __version__

if TYPE_CHECKING:
    from jupyter_server.extension.application import ExtensionApp

__all__ = ["__version__"]


class _ExtensionPoint(TypedDict):
    module: str
    app: type[ExtensionApp]


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """Return where the built front end is and under which name JupyterLab installs it."""
    return [{"src": "labextension", "dest": "jmcp-lab"}]


def _jupyter_server_extension_points() -> list[_ExtensionPoint]:
    """Return the application that Jupyter Server loads."""
    # Imported here so that the command line and the tools load without the server extension.
    from .server.garbage_collector import collector_paused

    with collector_paused():
        from .extension import JmcpLab

    return [{"module": "jmcp_lab", "app": JmcpLab}]
