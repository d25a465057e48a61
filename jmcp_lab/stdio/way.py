"""The way to the server at this moment: which one it is, and which token opens it.

The person is asked once for each start of the program. Whoever said no, or has ended a connection,
is not asked again by the same program.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from .pairing_client import (
    Credentials,
    DeniedError,
    PairingError,
    Reached,
    find_endpoint,
    obtain_token,
)
from .servers import NotRunningError, find_server

if TYPE_CHECKING:
    from collections.abc import Callable

    from .servers import Server

TOKEN_VARIABLE = "JMCP_TOKEN"
"""Name of the environment variable that holds an agent's token."""

RETURN_SECONDS = 30.0
"""Seconds in which a server of another folder does not take the place of one that ended.

A restart must not lead an agent to the notebooks of another folder for a moment."""

_ENDED = (
    "JupyterLab no longer lets this client in: the user has ended the connection, or it has "
    "expired. Start this client again to ask for a new one."
)


class Way:
    """The way to the server.

    Parameters
    ----------
    here : Path
        The folder in which the program started.
    kept : Path
        Where tokens are kept.
    url : str, optional
        The MCP endpoint; looked for where it is not given.
    token_file : Path, optional
    """

    def __init__(
        self, here: Path, kept: Path, url: str | None = None, token_file: Path | None = None
    ) -> None:
        self._here = here
        self._kept = kept
        self._url = url
        self._token_file = token_file
        self._root = ""
        self._missed: float | None = None
        self._used = ""
        self._refused: dict[str, str] = {}
        self._denied: dict[str, str] = {}

    async def find(self, client: str, asked: Callable[[str], None]) -> Reached:
        """Return the way for a client; ask the person for a token if there is none.

        Raises
        ------
        LookupError
        PairingError
        OSError
        """
        token = self._given()
        server = self._server()
        endpoint, where = self._url or "", "JupyterLab"
        if not (self._url and token):
            found, where = await find_endpoint(server)
            endpoint = self._url or found
        if not token:
            token = await self._paired(server, endpoint, where, client, asked)
        if token in self._refused:
            raise PairingError(self._refused[token])
        self._root = server.root
        return Reached(server, endpoint, token)

    def refused(self, reached: Reached, words: str) -> None:
        """Use a token no more: the server no longer takes it."""
        self._refused[reached.token] = words if self._given() else _ENDED

    def _given(self) -> str:
        """Return the given token, or an empty text."""
        if self._token_file is not None:
            return self._token_file.read_text().strip()
        return os.environ.get(TOKEN_VARIABLE, "").strip()

    def _server(self) -> Server:
        now = time.monotonic()
        self._missed = now if self._missed is None else self._missed
        server = find_server(self._here, self._url, self._root)
        if self._root not in ("", server.root) and now - self._missed < RETURN_SECONDS:
            raise NotRunningError(
                f"JupyterLab is not running for the folder '{Path(self._root).name}'. Start it "
                "there with `jupyter lab`."
            )
        self._missed = None
        return server

    async def _paired(
        self, server: Server, endpoint: str, where: str, client: str, asked: Callable[[str], None]
    ) -> str:
        kept = Credentials(self._kept, server, client)
        held, _ = kept.read()
        if held and held in (self._used, *self._refused):
            return held
        if not held and server.root in self._denied:
            raise PairingError(self._denied[server.root])
        try:
            self._used = await obtain_token(server, endpoint, where, client, kept, asked)
        except DeniedError as denied:
            self._denied[server.root] = str(denied)
            raise
        return self._used
