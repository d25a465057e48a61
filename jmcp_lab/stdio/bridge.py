"""Stands between a client that only starts programs and the server: standard streams ⇄ `/mcp`.

It answers by itself what a client asks when it starts, so that no client waits for JupyterLab or
has to be started after it. Everything else goes to the server and back unchanged, so progress,
cancellation and the client's name reach their ends.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from . import messages as said
from .connection import Connection, UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Coroutine

    from .link import Link
    from .messages import Json
    from .offer import Offer
    from .way import Way

TRIES = 3
"""How often a request is sent that the server did not take, or that can be repeated."""

WITHDRAWN_SECONDS = 10.0
"""Seconds that the server may take to end a request which its client has withdrawn."""

_UNKNOWN = (
    "The connection to JupyterLab ended before the answer came, so it is not known whether this "
    "was done. Look at the notebook before you do it again."
)


@dataclass(slots=True, eq=False)
class _Going:
    """A request that has no answer yet."""

    message: Json
    task: asyncio.Task[None] | None = None
    link: Link | None = None
    taken: asyncio.Event = field(default_factory=asyncio.Event)
    withdrawn: bool = False


class Bridge:
    """Serves one client.

    Parameters
    ----------
    way : callable
        Makes the way to the server; called when the client has begun.
    offer : Offer
    write : callable
        Sends a line to the client.
    tell : callable
        Writes to the program's log.
    """

    def __init__(
        self,
        way: Callable[[], Way],
        offer: Offer,
        write: Callable[[bytes], None],
        tell: Callable[[str], None],
    ) -> None:
        self._offer = offer
        self._write = write
        self._tell = tell
        self._connection = Connection(
            way, opened=self._opened, closed=offer.stale, said=self._said, tell=tell
        )
        self._going: dict[str | int, _Going] = {}
        self._listens: dict[str | int, Json] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._shook_hands = False
        self._told: list[Json] | None = None

    async def run(self, lines: AsyncIterable[str]) -> None:
        """Serve the client until its lines end."""
        try:
            async for line in lines:
                if line.strip():
                    self._take(line)
        finally:
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks)
            await self._connection.end()

    # -- from the client -----------------------------------------------------------------------

    def _take(self, line: str) -> None:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            return self._send(said.error(None, said.PARSE_ERROR, "This is not valid JSON."))
        if not isinstance(message, dict):
            words = "A message is one JSON object on a line."
            return self._send(said.error(None, said.INVALID_REQUEST, words))
        method = message.get("method")
        if not said.has_valid_id(message):
            words = "The id of a message is a string or a number."
            self._send(said.error(None, said.INVALID_REQUEST, words))
        elif said.is_request(message):
            if not self._answer(message):
                self._forward(message, line.encode("utf-8", "replace"))
        elif method == "notifications/cancelled":
            self._withdraw(message, line.encode("utf-8", "replace"))
        elif method != "notifications/initialized" and self._connection.link is not None:
            # What the client says by itself, and its answers to the server's requests.
            self._spawn(self._notify(self._connection.link, line.encode("utf-8", "replace")))

    def _answer(self, request: Json) -> bool:
        """Answer a request here, if that needs no server."""
        method, modern = request["method"], said.modern_version(request)
        if method == "initialize" or modern:
            greeted = said.greeting(request)
            if method == "initialize" or not self._shook_hands:
                self._connection.greet(said.client_name(greeted), greeted)
        if modern and modern not in said.MODERN_VERSIONS:
            data: Json = {"supported": [*said.MODERN_VERSIONS], "requested": modern}
            words = "Unsupported protocol version"
            self._send(said.error(request, said.UNSUPPORTED_VERSION, words, data))
        elif method == "initialize":
            self._shook_hands = True
            version = said.params_of(request).get("protocolVersion")
            self._send(said.result(request, self._offer.initialized(version)))
        elif method == "server/discover" and modern:
            self._send(said.result(request, self._offer.discovered()))
        elif method == "tools/list":
            self._told = self._offer.tools
            self._send(said.result(request, self._offer.listed(modern=bool(modern))))
        elif method == "ping" and not modern:
            self._send(said.result(request, {}))
        elif method == "subscriptions/listen" and modern:
            self._listen(request)
        else:
            return False
        return True

    def _listen(self, request: Json) -> None:
        """Promise news of the tools: the server itself has no others."""
        wanted = said.params_of(request).get("notifications")
        tools = isinstance(wanted, dict) and wanted.get("toolsListChanged") is True
        honored = {"toolsListChanged": True} if tools else {}
        self._listens[request["id"]] = honored
        params = {"notifications": honored, "_meta": {said.SUBSCRIPTION_KEY: request["id"]}}
        self._notice("notifications/subscriptions/acknowledged", params)

    def _withdraw(self, notice: Json, body: bytes) -> None:
        asked = said.params_of(notice).get("requestId")
        if not isinstance(asked, str | int):
            return
        self._listens.pop(asked, None)
        going = self._going.get(asked)
        if going is None or going.task is None:
            return
        going.withdrawn = True
        if going.link is None or said.modern_version(going.message):
            # It was not sent yet; or closing its answer is what withdraws it.
            going.task.cancel()
        else:
            self._spawn(self._withdraw_there(going, going.link, going.task, body))

    async def _withdraw_there(
        self, going: _Going, link: Link, task: asyncio.Task[None], body: bytes
    ) -> None:
        """Tell the server once it has the request, and wait for the end of that."""
        taken = asyncio.create_task(going.taken.wait())
        await asyncio.wait({taken, task}, return_when=asyncio.FIRST_COMPLETED)
        taken.cancel()
        await self._notify(link, body)
        await asyncio.wait({task}, timeout=WITHDRAWN_SECONDS)
        task.cancel()

    # -- to the server and back ----------------------------------------------------------------

    def _forward(self, request: Json, body: bytes) -> None:
        going = _Going(request)
        self._going[request["id"]] = going
        going.task = self._spawn(self._ask(going, body))

    async def _ask(self, going: _Going, body: bytes) -> None:
        from_server = None
        try:
            from_server = await self._answer_there(going, body)
        except UnavailableError as error:
            from_server = said.refusal(going.message, str(error))
        except Exception as error:
            # A client waits for ever for a request that has no answer.
            self._tell(f"A request failed ({type(error).__name__}).")
            from_server = said.refusal(going.message, _UNKNOWN)
        finally:
            if self._going.get(going.message["id"]) is going:
                del self._going[going.message["id"]]
        if from_server is not None and not going.withdrawn:
            self._send(from_server)

    async def _answer_there(self, going: _Going, body: bytes) -> Json | None:
        """Pass on what the server answers; return an answer in its place if it gives none."""
        words = ""
        for _ in range(TRIES):
            link = await self._connection.wait()
            from .link import BrokenError, NotLetInError, NotTakenError, RefusedError

            going.link = link
            try:
                async for line, message in link.post(going.message, body, going.taken.set):
                    self._write(line)
                    if "method" not in message:
                        return None
            except NotTakenError as error:
                words = str(error)
            except BrokenError:
                words = _UNKNOWN
            except RefusedError as error:
                if isinstance(error, NotLetInError):
                    self._connection.broken(link)
                return said.refusal(going.message, str(error))
            going.link = None
            self._connection.broken(link)
            if words == _UNKNOWN and not self._repeatable(going.message):
                break
        return said.refusal(going.message, words)

    def _repeatable(self, request: Json) -> bool:
        if request["method"] != "tools/call":
            return True
        return self._offer.read_only(said.params_of(request).get("name"))

    async def _notify(self, link: Link, body: bytes) -> None:
        with suppress(ConnectionError):  # The server has gone, and with it what this was about.
            await link.notify(body)

    # -- to the client -------------------------------------------------------------------------

    def _opened(self, tools: list[Json]) -> None:
        try:
            self._offer.update(tools)
        except OSError as error:
            self._tell(f"The list of tools could not be kept ({error.strerror or error}).")
        if self._told is None or self._told == tools:
            return
        self._told = tools
        if self._shook_hands:
            self._notice("notifications/tools/list_changed", {})
        for listener, honored in self._listens.items():
            if honored:
                meta = {"_meta": {said.SUBSCRIPTION_KEY: listener}}
                self._notice("notifications/tools/list_changed", meta)

    def _said(self, line: bytes) -> None:
        self._write(line)

    def _notice(self, method: str, params: Json) -> None:
        self._send({"jsonrpc": "2.0", "method": method} | ({"params": params} if params else {}))

    def _send(self, message: Json) -> None:
        self._write(json.dumps(message, separators=(",", ":")).encode())

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
