"""The HTTP handler of the MCP endpoint: decides who may connect.

Only an agent's token opens it. Jupyter's own credentials do not: the server token opens kernels and
terminals, so an agent that held it could pass by every question to the user; and a login cookie
travels with every request of a browser, also with those that a foreign page makes.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_server.auth import User
from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import JupyterHandler
from tornado import web
from tornado.iostream import StreamClosedError

from ..server.containment import contained
from ..server.http import FOREIGN_PAGE, origin_is_host, refused_body
from ..text.surrogates import dump_json, may_have_halves, without_halves
from .asgi import MAX_BODY, Exchange

if TYPE_CHECKING:
    from types import TracebackType

    from ..agents.agent import Agent
    from ..agents.registry import AgentRegistry
    from .endpoint import McpEndpoint
    from .rate_limit import WrongTokens

_METHODS = "GET, POST, DELETE"
_BEARER = re.compile(r"bearer +(\S+) *", re.IGNORECASE)

_HINT = (
    "This address needs an agent token (Authorization: Bearer jml_…), not a Jupyter login or "
    "token. In JupyterLab open the Agents panel, choose 'Connect an agent' and copy its "
    "configuration into this client."
)
_WRONG_TOKEN = (
    "This agent token is wrong, expired or revoked. In JupyterLab open the Agents panel, choose "
    "'Connect an agent' and copy the new configuration into this client."
)

_INVALID_REQUEST = -32600
_PARSE_ERROR = -32700
_INTERNAL_ERROR = -32603
_UNAUTHORIZED = -32001


class Refusal(NamedTuple):
    """Why a request is not served."""

    status: int
    message: str
    code: int = _INVALID_REQUEST
    headers: Mapping[str, str] | None = None


def _unauthorized(message: str) -> Refusal:
    challenge = {"WWW-Authenticate": 'Bearer realm="jupyter"'}
    return Refusal(401, message, _UNAUTHORIZED, challenge)


@web.stream_request_body
class McpHandler(JupyterHandler):
    """``{base_url}mcp``: GET, POST and DELETE of the streamable HTTP transport."""

    auth_resource = "jmcp_lab"

    def initialize(
        self, endpoint: McpEndpoint, registry: AgentRegistry, wrong_tokens: WrongTokens
    ) -> None:
        """Take the services."""
        self._endpoint = endpoint
        self._registry = registry
        self._wrong_tokens = wrong_tokens
        self._body = bytearray()
        self._agent: Agent | None = None
        self._exchange: Exchange | None = None
        self._drops_body = False
        self._halves = False
        self._gone = False

    # -- before the body is read ---------------------------------------------------------------

    async def prepare(self) -> None:  # type: ignore[override]
        """Let in or refuse, before anything of the body is kept.

        Jupyter's own `prepare` is not called: it would accept cookies and the server's token, and
        set a login cookie.
        """
        self.current_user = self._jupyter_current_user = None
        # A body whose length is not stated is cut off by Tornado beyond this.
        self.request.connection.set_max_body_size(MAX_BODY)  # type: ignore[union-attr]
        await self._endpoint.opening()
        refusal = self._examine()
        if refusal is None:
            return
        if self._stated_length() > MAX_BODY:
            self.set_header("Connection", "close")
            self._refuse(refusal)
            return
        # The body is read and dropped first: an answer in the middle of it would break the
        # connection, which the client may want to use again.
        self._drops_body = True
        setattr(self, (self.request.method or "").lower(), lambda: self._refuse(refusal))

    def _examine(self) -> Refusal | None:
        """Return why a request is refused, or None."""
        if not self.check_host():
            return Refusal(403, "This server does not accept that Host header.")
        # Stricter than the panel, which goes by Sec-Fetch-Site where a proxy changed the Host: no
        # page of ours asks here, and the protocol wants the Origin itself to be checked.
        if not origin_is_host(self.request.headers):
            return Refusal(403, FOREIGN_PAGE)
        if not self._endpoint.ready:
            return Refusal(
                503, self._endpoint.closed_because, _INTERNAL_ERROR, {"Retry-After": "5"}
            )
        found = self._authenticate()
        if isinstance(found, Refusal):
            return found
        self._agent = found
        self.current_user = self._jupyter_current_user = User(
            username=f"agent:{found.id}", name=found.label, display_name=found.label
        )
        if self._endpoint.busy(found):
            return Refusal(
                429, ("This agent sends too many requests at once. Wait for some to finish.")
            )
        # Every message has a body, whose length need not be stated: its type always counts.
        is_post = self.request.method == "POST"
        refused = refused_body(
            self.request.headers, self._stated_length(), MAX_BODY, always_json=is_post
        )
        return Refusal(*refused) if refused else None

    def _authenticate(self) -> Agent | Refusal:
        header = self.request.headers.get("Authorization")
        if header is None and "token" not in self.request.query_arguments:
            return _unauthorized(_HINT)
        match = _BEARER.fullmatch(header or "")
        agent = self._registry.verify(match[1]) if match else None
        if agent is not None:
            return agent
        if self._wrong_tokens.exceeded(self.request.remote_ip or ""):
            message = "Too many wrong tokens from this address. Wait a minute."
            return Refusal(429, message, headers={"Retry-After": "60"})
        looks_right = match is not None and match[1].startswith("jml_")
        return _unauthorized(_WRONG_TOKEN if looks_right else _HINT)

    def _stated_length(self) -> int:
        length = self.request.headers.get("Content-Length", "")
        return int(length) if length.isdecimal() else 0

    def data_received(self, chunk: bytes) -> None:
        """Collect the body."""
        if not self._drops_body:
            self._body += chunk

    # -- the request ---------------------------------------------------------------------------

    @web.authenticated
    @authorized("execute")  # type: ignore[untyped-decorator]
    async def get(self) -> None:
        """Open the stream of messages that answer no request."""
        await self._serve()

    @web.authenticated
    @authorized("execute")  # type: ignore[untyped-decorator]
    async def post(self) -> None:
        """Answer a message."""
        try:
            self._read_body()
        except (ValueError, RecursionError):
            return self._refuse(Refusal(400, "The request body is not valid JSON.", _PARSE_ERROR))
        await self._serve()

    @web.authenticated
    @authorized("execute")  # type: ignore[untyped-decorator]
    async def delete(self) -> None:
        """End a session."""
        await self._serve()

    def _read_body(self) -> None:
        """Make sure that the body is JSON, and that what it says can be said again.

        Half of a surrogate pair is JSON and no text: neither a notebook nor an answer can hold it.
        What repeats it, an answer's id or an error, has a sign in its place; whether it stood in
        the arguments of a tool is for the tool's answer to say.

        Raises
        ------
        ValueError
        RecursionError
        """
        message = json.loads(self._body, parse_constant=_refuse_constant)
        if not may_have_halves(self._body):
            return
        whole = without_halves(message)
        if whole == message:
            return
        params = message.get("params") if isinstance(message, dict) else None
        arguments = params.get("arguments") if isinstance(params, dict) else None
        self._halves = without_halves(arguments) != arguments
        self._body = bytearray(json.dumps(whole).encode())

    async def _serve(self) -> None:
        assert self._agent is not None
        self._exchange = Exchange(self, self._agent, bytes(self._body))
        self._exchange.halves = self._halves
        if self._gone:
            # Before there was anything to tell it to.
            self._exchange.gone.set()
        self._body.clear()
        try:
            with contained():
                await self._endpoint.serve(self._exchange)
        except Exception:
            # A client understands the answer below, and not tornado's page.
            self.log.exception("A request from an agent failed.")
        finally:
            self._exchange.release()
        if self._finished:
            return
        if self._exchange.status is None:
            if self._agent.token_hash:
                message = (
                    "The server failed to handle this request. The server log has the details."
                )
                return self._refuse(Refusal(500, message, _INTERNAL_ERROR))
            return self._refuse(_unauthorized(_WRONG_TOKEN))  # revoked in the meantime
        with contextlib.suppress(StreamClosedError):
            await self.finish()

    def on_connection_close(self) -> None:
        """Tell the SDK that the client has gone."""
        self._gone = True
        if self._exchange is not None:
            self._exchange.gone.set()

    # -- answers of our own --------------------------------------------------------------------

    def _refuse(self, refusal: Refusal) -> None:
        """Answer with a JSON-RPC error."""
        self.set_status(refusal.status)
        self.set_header("Content-Type", "application/json")
        for name, value in (refusal.headers or {}).items():
            self.set_header(name, value)
        error = {"code": refusal.code, "message": refusal.message}
        self.finish(dump_json({"jsonrpc": "2.0", "id": None, "error": error}))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer a failure with JSON, never with a page."""
        try:
            phrase = HTTPStatus(status_code).phrase
        except ValueError:
            phrase = "Error"
        allow = {"Allow": _METHODS} if status_code == HTTPStatus.METHOD_NOT_ALLOWED else None
        self._refuse(Refusal(status_code, phrase + ".", headers=allow))

    # -- what Jupyter's handlers do and this one must not --------------------------------------

    def check_xsrf_cookie(self) -> None:
        """Accept requests without the XSRF cookie: no cookie counts here, so none can be abused."""

    def set_cors_headers(self) -> None:
        """Send none: no other page may read what agents get."""

    def set_default_headers(self) -> None:
        """Send Jupyter's headers without those that would let other pages in."""
        super().set_default_headers()
        for name in list(self._headers):
            if name.lower().startswith("access-control-"):
                self.clear_header(name)
        self.set_header("Cache-Control", "no-store")

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Log a failure without the address, which may hold a token."""
        if not isinstance(value, web.HTTPError):
            self.log.error("A request from an agent failed.", exc_info=value)


def _refuse_constant(name: str) -> None:
    """Refuse NaN and Infinity, which Python reads although they are not JSON."""
    raise ValueError(name)
