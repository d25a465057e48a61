"""Checks of HTTP requests: which page sent one, by which name of the server, and with what body.

Each check is written here once. The handlers of the panel and of MCP say which of them they need.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from jupyter_server.base.handlers import JupyterHandler

_ORIGIN = re.compile(r"https?://([^/?#@]+)")
"""Origin of a page, as browsers write it: in lower case, and without a path."""

FOREIGN_PAGE = "Requests from other web pages are not allowed here."


class Refused(NamedTuple):
    """Reason why a request is not served.

    Parameters
    ----------
    status : int
        Of the HTTP answer.
    message : str
    """

    status: int
    message: str


def origin_is_host(headers: Mapping[str, str]) -> bool:
    """Return whether the page that asks, if a page asks, is at the address that was asked for.

    Browsers send an Origin with every request of another page that changes anything. Whatever
    sends no Origin is no such page.
    """
    origin = headers.get("Origin")
    if origin is None:
        return True
    match = _ORIGIN.fullmatch(origin)
    return match is not None and match[1] == headers.get("Host")


def from_own_page(headers: Mapping[str, str]) -> bool:
    """Return whether no other web page can have sent a request.

    On https and on this computer browsers say so themselves, in Sec-Fetch-Site. No page can change
    that header, so a proxy may have changed the Host. Elsewhere `origin_is_host` decides. What an
    administrator lets other pages do (`allow_origin`) does not count: no other page may decide.
    """
    site = headers.get("Sec-Fetch-Site")
    if site == "same-origin":
        return True
    if site in ("cross-site", "same-site"):
        return False
    return origin_is_host(headers)


def refused_body(
    headers: Mapping[str, str], length: int, most: int, *, always_json: bool
) -> Refused | None:
    """Return why a request's body is not read, or None.

    A page can send other types than JSON to any address without asking the server first.

    Parameters
    ----------
    headers : mapping of str to str
    length : int
        Bytes of the body, read or stated.
    most : int
        Maximum number of bytes.
    always_json : bool
        Whether a request without a body has to name the type, too.
    """
    if length > most:
        return Refused(413, f"A request body can have at most {most} bytes.")
    content_type = headers.get("Content-Type", "").partition(";")[0].strip()
    if (length or always_json) and content_type.lower() != "application/json":
        return Refused(415, "The Content-Type of a request must be application/json.")
    return None


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
