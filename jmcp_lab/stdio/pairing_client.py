"""How a program gets its token: it asks the server, waits for the person, and keeps it.

The configuration of a client that starts `jmcp-lab stdio` holds no secret. What the person gave is
kept for this client and this server's root, in a file that belongs to the user alone. So is a
question that is still open: clients give up on a program that does not answer at once, and the
next start goes on with the same question.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx2

from ..server.private_file import write_private
from ..server.shared_files import holding

REQUEST_SECONDS = 40.0
"""For one request; the server holds a question for the person's answer for half of that."""

CONNECT_SECONDS = 30.0

ANSWER_SECONDS = 300.0
"""Without a word from the server in an answer: calls say something every few seconds."""

LOCK_SECONDS = 60.0
"""How long a program waits while another one of the same client asks: longer than that may take."""

OTHERS_SECONDS = 1.0
"""How long another program of the same client may take to keep what it fetched."""


class PairingError(Exception):
    """The program gets no token; the message says why, and what to do."""


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
        return httpx2.AsyncClient(
            headers=dict(headers),
            timeout=httpx2.Timeout(CONNECT_SECONDS, read=ANSWER_SECONDS),
            transport=httpx2.AsyncHTTPTransport(uds=self.socket) if self.socket else None,
        )


@dataclass(frozen=True, slots=True)
class Reached:
    """The way to an MCP endpoint, with the agent's token that opens it."""

    server: Server
    url: str
    token: str

    def client(self) -> httpx2.AsyncClient:
        """Return an HTTP client for it."""
        return self.server.client({"Authorization": f"Bearer {self.token}"})


class Credentials:
    """What a client keeps of its connection to a server: its token, or its open question.

    Parameters
    ----------
    folder : Path
    server : Server
    client : str
    """

    def __init__(self, folder: Path, server: Server, client: str) -> None:
        name = hashlib.sha256(f"{server.root}\0{client}".encode()).hexdigest()[:24]
        self._path = folder / f"{name}.json"

    def read(self) -> tuple[str, str]:
        """Return the token and the question, each empty when there is none."""
        try:
            data = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError):
            return "", ""
        fields = data if isinstance(data, dict) else {}
        return str(fields.get("token", "")), str(fields.get("question", ""))

    def write(self, *, token: str = "", question: str = "") -> None:
        """Keep these instead of what was kept.

        Raises
        ------
        OSError
        """
        write_private(self._path, json.dumps({"token": token, "question": question}))

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Keep other programs of the same client from asking while the block runs.

        Raises
        ------
        OSError
            Nothing can be kept, or one of them asks for too long.
        """
        async with holding(self._path.with_suffix(".lock"), LOCK_SECONDS):
            yield


async def find_endpoint(server: Server) -> tuple[str, str]:
    """Return a server's MCP endpoint, and what to open to answer in the panel.

    Raises
    ------
    NotLetInError
        There is no jmcp_lab.
    OSError
        The server does not answer.
    """
    answer = await _fetch(server, f"{server.base}jmcp-lab/api/pairing", "GET")
    if answer.status_code == HTTPStatus.NOT_FOUND:
        raise PairingError(
            f"The Jupyter server at {server.base} has no jmcp_lab. Install it where JupyterLab "
            "runs, and restart the server."
        )
    found = _fields(answer)
    path = str(found.get("mcp_path") or "mcp")
    return f"{server.base}{path}", str(found.get("open") or "JupyterLab")


async def obtain_token(
    server: Server,
    url: str,
    where: str,
    client: str,
    kept: Credentials,
    tell: Callable[[str], None],
) -> str:
    """Return the token of a client, asking the person for it where there is none.

    Parameters
    ----------
    server : Server
    url : str
        Its MCP endpoint.
    where : str
        What the person opens to answer.
    client : str
        What the client says it is; the person is shown it.
    kept : Kept
    tell : callable
        Told once, in words, that the person is waited for.

    Raises
    ------
    NotLetInError
    OSError
        The server does not answer, or nothing can be kept.
    """
    told = False
    while True:
        token, question = kept.read()
        if token and await _opens(server, url, token):
            return token
        if not question:
            async with kept.alone():
                if kept.read() != (token, ""):
                    continue  # Another program of this client was faster.
                body = await _send(server, "POST", "pairing", {"client": client})
                question = str(body["id"])
                kept.write(question=question)
        if not told:
            told = True
            tell(
                f"{client} is waiting for permission to connect. Open {where} and answer in "
                "the Agents panel."
            )
        answer = await _send(server, "GET", f"pairing/{question}")
        if answer is None:
            # It has ended. Or another program of this client has fetched the token, and keeps it
            # in a moment.
            await asyncio.sleep(OTHERS_SECONDS)
            if kept.read() == ("", question):
                kept.write()
        elif answer["state"] == "allowed":
            kept.write(token=str(answer["token"]))
        elif answer["state"] == "denied":
            kept.write()
            raise PairingError(
                f"The user did not let {client} in. To change that, ask the user to choose "
                "'Connect an agent' in JupyterLab's Agents panel."
            )


async def _opens(server: Server, url: str, token: str) -> bool:
    """Return whether the MCP endpoint still takes a token."""
    # A GET without the kind of answer that it has: refused in any case, but not for the token.
    answer = await _fetch(server, url, "GET", {"Authorization": f"Bearer {token}"})
    return answer.status_code not in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


async def _send(
    server: Server, method: str, path: str, body: Mapping[str, str] | None = None
) -> Any:  # noqa: ANN401 - JSON
    """Return the server's answer; None where it knows nothing of what was asked for."""
    answer = await _fetch(server, f"{server.base}jmcp-lab/api/{path}", method, body=body)
    if answer.status_code == HTTPStatus.NOT_FOUND and method == "GET":
        return None
    found = _fields(answer)
    if answer.status_code not in (HTTPStatus.OK, HTTPStatus.ACCEPTED):
        raise PairingError(
            str(
                found.get("message")
                or f"The server answered {answer.status_code} without an explanation."
            )
        )
    return found


def _fields(answer: httpx2.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


async def _fetch(
    server: Server,
    url: str,
    method: str,
    headers: Mapping[str, str] | None = None,
    body: Mapping[str, str] | None = None,
) -> httpx2.Response:
    if headers is None:
        headers = {"Authorization": f"token {server.token}"} if server.token else {}
    try:
        async with server.client(headers) as client:
            return await client.request(method, url, json=body, timeout=REQUEST_SECONDS)
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        # No answer: the server was stopped in the middle of it, or is too slow.
        raise ConnectionError(failure_words(error)) from error


def failure_words(error: BaseException) -> str:
    """Say what went wrong, in a sentence for the person whose client shows it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, PairingError | ConnectionError) or type(error) is LookupError:
        return str(error)
    words = (str(error).splitlines() or [""])[0].strip() or type(error).__name__
    if "CERTIFICATE_VERIFY_FAILED" in words:
        return (
            "This computer does not trust the certificate of the Jupyter server. Give the path of "
            "the certificate in the environment variable SSL_CERT_FILE."
        )
    if isinstance(error, httpx2.TimeoutException):
        return "The Jupyter server does not respond (timeout)."
    if isinstance(error, httpx2.HTTPError):
        return f"The Jupyter server does not respond ({words})."
    if isinstance(error, OSError):
        return f"A file of the connection could not be used ({error.strerror or words})."
    return f"The connection to the Jupyter server has ended ({type(error).__name__})."
