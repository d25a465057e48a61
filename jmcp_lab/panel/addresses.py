"""Finds the address at which a person opens JupyterLab, for agents and programs to pass on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from jupyter_server.utils import url_path_join

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

    from ..runtime.open_pages import OpenPages

# Jupyter Server names these addresses only after 2.20.
_EVERY_ADDRESS = ("0.0.0.0", "::")


def where_to_open(server: ServerApp, pages: OpenPages) -> str:
    """Return the address to open, as a phrase that fits after "open", without any token.

    The server's own address is often wrong behind a proxy, in a container and on a JupyterHub. So
    the address of a page that a person has opened comes first, then what the administrator set.
    """
    known = pages.address or _public_url(server)
    if known:
        return url_path_join(known, "lab")
    if server.sock or "JUPYTERHUB_SERVICE_PREFIX" in os.environ:
        return "JupyterLab"
    return f"JupyterLab ({url_path_join(_local_url(server), 'lab')} on the server's own computer)"


def _public_url(server: ServerApp) -> str:
    said = server.custom_display_url or os.environ.get("JUPYTERHUB_PUBLIC_URL", "")
    parts = urlsplit(said)
    if not (parts.scheme and parts.netloc):
        return ""
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path or server.base_url}"


def _local_url(server: ServerApp) -> str:
    url = urlsplit(server.connection_url)
    everywhere = not server.ip or server.ip in _EVERY_ADDRESS
    host = f"127.0.0.1:{server.port}" if everywhere else url.netloc
    return f"{url.scheme}://{host}{server.base_url}"
