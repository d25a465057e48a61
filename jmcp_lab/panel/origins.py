"""Where a request comes from: which page sent it, and by which name it found this server."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from jupyter_server.base.handlers import JupyterHandler

_ORIGIN = re.compile(r"https?://([^/?#@]+)", re.IGNORECASE)

NOT_OUR_PAGE = (
    "Requests from other web pages are not allowed here. If this is JupyterLab's own page, the "
    "proxy before the server changes the Host: let it pass on the Host of the browser, or use "
    "https. c.ServerApp.allow_origin lets no page in here."
)


def from_own_page(headers: Mapping[str, str]) -> bool:
    """Return whether no other web page can have sent a request.

    Browsers say so themselves in Sec-Fetch-Site, on https and on this computer, and no page can
    change that: then a proxy may have changed the Host. Elsewhere the page's Origin has to be the
    address that was asked for. What sends neither is no page: on every request from another one
    that changes anything, browsers send an Origin. What an administrator lets other pages do
    (`allow_origin`) does not count, since no other page is to decide.
    """
    site = headers.get("Sec-Fetch-Site")
    if site == "same-origin":
        return True
    if site in ("cross-site", "same-site"):
        return False
    origin = headers.get("Origin")
    if origin is None:
        return True
    match = _ORIGIN.fullmatch(origin)
    return match is not None and match[1] == headers.get("Host")


def page_origin(headers: Mapping[str, str]) -> str | None:
    """Return the beginning of a page's address, as its reader sees it; None if it is not told."""
    origin = headers.get("Origin")
    return origin if origin and _ORIGIN.fullmatch(origin) and from_own_page(headers) else None


def unknown_name(handler: JupyterHandler) -> str | None:
    """Return the name by which a server without a login was found, where it is not its own.

    A foreign page can give its own name the address of this server (DNS rebinding), and is the
    same page then for the browser. A login stops it, since its cookie belongs to another name.
    Where nobody logs in only the names of this server count. An address in digits is no name.
    """
    if handler.identity_provider.auth_enabled:
        return None
    try:
        host = (urlsplit(f"//{handler.request.host}").hostname or "").rstrip(".")
    except ValueError:
        return handler.request.host
    return None if is_address(host) or host in _own_names(handler) else host


def is_address(host: str) -> bool:
    """Return whether a host is an IP address, and no name."""
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def is_loopback(host: str | None) -> bool:
    """Return whether a host is this computer."""
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False


def _own_names(handler: JupyterHandler) -> set[str]:
    server = handler.serverapp
    own = socket.gethostname().lower()
    names = {"localhost", own, own.partition(".")[0], f"{own.partition('.')[0]}.local"}
    names |= {name.lower() for name in handler.settings.get("local_hostnames", ())}
    if server is not None:
        names |= {name.lower() for name in server.local_hostnames}
        names |= {server.ip.lower(), (urlsplit(server.custom_display_url).hostname or "").lower()}
    return names - {""}
