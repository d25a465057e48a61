"""Hardened mode: keep everything that could log in to the server out of reach of kernel code.

Code in a kernel runs as the same user as the server. On a plain Jupyter server, it finds the
server's token in its own environment, in the runtime file and in the page that opens the browser.
It can read the server's memory and environment. With the secret on disk, it can create a login
cookie. With any of these, it can make decisions like a browser.
"""

from __future__ import annotations

import ctypes
import os
import secrets
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

TOKEN_VARIABLES = ("JUPYTER_TOKEN", "JPY_API_TOKEN", "JUPYTERHUB_API_TOKEN")
"""Environment variables that hold a token of this server or of its hub."""

TOKEN_FILE = "JUPYTER_TOKEN_FILE"

PR_SET_DUMPABLE = 4
"""Constant from Linux's ``sys/prctl.h``; see prctl(2) and ptrace(2)."""


def harden_server(server: ServerApp) -> list[str]:
    """Put login secrets out of reach of kernels, before the first kernel starts.

    Parameters
    ----------
    server : ServerApp
        Initialized but not started, so its runtime file does not exist yet.

    Returns
    -------
    list of str
        Messages about what is still within reach; empty if the server is hardened.
    """
    # The token is read from the environment on first use, so read it before it is removed.
    token = server.identity_provider.token
    _read_hub_tokens(server)
    left = [_token_elsewhere(token), close_memory()]
    for name in (*TOKEN_VARIABLES, TOKEN_FILE):
        # Kernels, terminals and all other child processes inherit this environment.
        os.environ.pop(name, None)
    _renew_cookies(server)
    _write_no_token(server)
    return [words for words in left if words]


def _read_hub_tokens(server: ServerApp) -> None:
    """Make JupyterHub's parts of the server read the hub's token, which they do on first use.

    One part logs people in. The other reports activity to the hub, without which a busy server
    counts as idle.
    """
    parts: list[object] = [server.identity_provider]
    for apps in server.extension_manager.extension_apps.values():
        parts += apps
    for part in parts:
        getattr(getattr(part, "hub_auth", None), "api_token", None)


def close_memory() -> str:
    """Close this process's memory and environment to other processes of the same user.

    Returns
    -------
    str
        Why they are still open; empty if they are closed.

    Notes
    -----
    A process that is not dumpable cannot be traced either, and its files in ``/proc`` belong to
    root
    (prctl(2), PR_SET_DUMPABLE). This does not affect child processes, because exec resets it.
    """
    if not sys.platform.startswith("linux"):
        return (
            "other programs can read the server's memory and environment (this can be prevented on "
            "Linux only)"
        )
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        return f"the server's memory could not be protected ({os.strerror(ctypes.get_errno())})"
    if os.geteuid() == 0:
        return "the server runs as root, who can read everything"
    return ""


def _token_elsewhere(token: str) -> str:
    """Return where the token is exposed that the server cannot remove."""
    if token and any(token in argument for argument in sys.argv):
        return "the token is on the command line (leave it out: the server creates one)"
    if os.environ.get(TOKEN_FILE):
        return f"the token is in the file that {TOKEN_FILE} names"
    return ""


def _renew_cookies(server: ServerApp) -> None:
    """Sign login cookies with a secret that is nowhere on disk."""
    server.cookie_secret = secrets.token_bytes(64)
    server.web_app.settings["cookie_secret"] = server.cookie_secret


def _write_no_token(server: ServerApp) -> None:
    """Keep the token out of the runtime file, and out of the page that opens the browser."""
    info = server.server_info

    def without_token() -> dict[str, Any]:
        return {**info(), "token": ""}

    # Do not remove it from the file afterwards: a process that watches the folder would be faster.
    server.server_info = without_token  # type: ignore[method-assign]
    server.no_browser_open_file = True
    # Without that page, the browser would get the token on its command line.
    server.open_browser = False
