"""Finds the Jupyter servers of this user by the files that they keep while they run.

Jupyter has a function for this, but importing it takes seconds, and clients give up on a program
that answers late.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import httpx2

CONNECT_SECONDS = 30.0

ANSWER_SECONDS = 300.0
"""Without a word from the server in an answer: calls say something every few seconds."""

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "localhost"}
"""Local address at which to reach a server that listens on all addresses of this computer."""


class NotRunningError(LookupError):
    """No server is running yet, or no longer."""


@dataclass(frozen=True, slots=True)
class Server:
    """A Jupyter server of this user.

    Parameters
    ----------
    base : str
        Its address, with a slash at the end.
    root : str
        The folder that it serves; the address where that is not known.
    token : str
        The server's own token, empty where it has none, or keeps it to itself.
    socket : str
        The Unix socket that it listens on, instead of a port.
    """

    base: str
    root: str
    token: str = ""
    socket: str = ""

    def client(self, headers: Mapping[str, str]) -> httpx2.AsyncClient:
        """Return an HTTP client that reaches it."""
        import httpx2

        return httpx2.AsyncClient(
            headers=dict(headers),
            timeout=httpx2.Timeout(CONNECT_SECONDS, read=ANSWER_SECONDS),
            transport=httpx2.AsyncHTTPTransport(uds=self.socket) if self.socket else None,
        )


def find_server(folder: Path, url: str | None = None, root: str = "") -> Server:
    """Return the running Jupyter server for a folder, or the one of an MCP endpoint.

    This is the server with the deepest root folder that contains the folder. If no root contains
    it, it is the only running server.

    Parameters
    ----------
    folder : Path
    url : str, optional
        An MCP endpoint.
    root : str, optional
        Prefer the server of this root folder, if exactly one has it.

    Raises
    ------
    NotRunningError
        No server is running.
    LookupError
        Several are running, and it is unclear which one is for this folder.
    """
    servers = list(_running())
    if url is not None:
        known = [server for server in map(_server, servers) if _is_below(url, server)]
        asked = urlsplit(url)
        # What is not part of the address may be a secret, and messages name the address.
        where = asked.netloc.rpartition("@")[2]
        base = f"{asked.scheme}://{where}{asked.path.rstrip('/').removesuffix('mcp')}"
        return max(known, key=lambda server: len(server.base), default=Server(base, base))
    if not servers:
        raise NotRunningError("JupyterLab is not running. Start it with `jupyter lab`.")
    same = [server for server in map(_server, servers) if server.root == root]
    if len(same) == 1:
        return same[0]
    here = folder.resolve()
    above = [s for s in servers if here.is_relative_to(Path(s["root_dir"]).resolve())]
    if not above and len(servers) > 1:
        # A model reads this, so it names no whole path.
        roots = ", ".join(sorted(f"'{Path(server['root_dir']).name}'" for server in servers))
        raise LookupError(
            f"several Jupyter servers are running, none of them for this folder ({roots}): use "
            "--url"
        )
    deepest = max(len(Path(s["root_dir"]).resolve().parts) for s in above or servers)
    best = [s for s in above or servers if len(Path(s["root_dir"]).resolve().parts) == deepest]
    if len(best) > 1:
        urls = ", ".join(sorted(f"{_server(server).base}mcp" for server in best))
        raise LookupError(
            f"several Jupyter servers are running for this folder ({urls}): use --url"
        )
    return _server(best[0])


def _running() -> Iterator[dict[str, Any]]:
    """Yield what each running server says of itself; a file of one that was killed stays behind."""
    from jupyter_core.paths import jupyter_runtime_dir

    for path in sorted(Path(jupyter_runtime_dir()).glob("jpserver-*.json")):
        with suppress(OSError, ValueError):
            found = json.loads(path.read_text("utf-8"))
            if (
                isinstance(found, dict)
                and {"url", "root_dir", "pid"} <= found.keys()
                and _runs(int(found["pid"]))
            ):
                yield found


if sys.platform == "win32":
    import ctypes

    def _runs(process: int) -> bool:
        synchronize = 0x100000
        handle = ctypes.windll.kernel32.OpenProcess(synchronize, False, process)
        if handle:
            ctypes.windll.kernel32.CloseHandle(handle)
        return bool(handle)

else:

    def _runs(process: int) -> bool:
        try:
            os.kill(process, 0)
        except PermissionError:
            return True  # Another user's.
        except OSError:
            return False
        return True


def _server(found: Mapping[str, Any]) -> Server:
    url = urlsplit(found["url"])
    base = found["url"]
    if found.get("sock"):
        base = f"http://localhost{found['base_url']}"
    elif found.get("hostname") in _EVERYWHERE or not url.hostname:
        # A server on all addresses publishes this computer's name, which is meant for other ones.
        base = (
            f"{url.scheme}://{_EVERYWHERE.get(str(found.get('hostname')), '127.0.0.1')}:{url.port}"
        )
        base += url.path
    root, token = os.path.realpath(found["root_dir"]), str(found.get("token") or "")
    return Server(base, root, token, str(found.get("sock") or ""))


def _is_below(url: str, server: Server) -> bool:
    """Return whether an MCP endpoint belongs to a server, under any of its local names."""
    asked, base = urlsplit(url), urlsplit(server.base)
    local = {"localhost", "127.0.0.1", "::1"}
    return (
        (asked.scheme, asked.port) == (base.scheme, base.port)
        and (asked.hostname == base.hostname or {asked.hostname, base.hostname} <= local)
        and asked.path.startswith(base.path)
        and not server.socket
    )
