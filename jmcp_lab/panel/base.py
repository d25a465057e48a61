"""Defines the base of the panel's handlers, with the checks that precede every route.

Jupyter skips the Origin and XSRF checks for HTTP requests that carry a token, and code in a kernel
can read the server's token. So only a browser may make a change: with the login cookie, with the
XSRF header, and from the server's own page.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar, cast

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web

from ..agents.tokens import PREFIX
from ..errors import (
    ConflictError,
    DeniedError,
    InvalidArgumentError,
    NotFoundError,
    ToolError,
    UnavailableError,
)
from ..server.containment import contained
from ..server.http import FOREIGN_PAGE, from_own_page, page_origin, refused_body, unknown_name
from ..text.surrogates import dump_json, without_halves
from .owners import owner_of

if TYPE_CHECKING:
    from types import TracebackType

    from .services import PanelServices

MAX_BODY = 1024 * 1024
"""Maximum size of a body, in bytes."""

_STATUS: dict[type[ToolError], int] = {
    InvalidArgumentError: 400,
    DeniedError: 403,
    NotFoundError: 404,
    ConflictError: 409,
    UnavailableError: 503,
}
_READS = ("GET", "HEAD", "OPTIONS")
_BROWSER_ONLY = (
    "Only a person who is logged in can do this, in the Agents panel of JupyterLab. A token is not "
    "enough."
)

_NOT_OUR_PAGE = (
    f"{FOREIGN_PAGE} If this is JupyterLab's own page, the proxy in front of the server changes "
    "the Host header: configure it to pass on the browser's Host, or use https. "
    "c.ServerApp.allow_origin has no effect here."
)

_UNKNOWN_NAME = (
    "This server requires no login, and {0} is not one of its names, so any web page could use "
    "that name. Open the server at another address, turn on its login, or add the name to its "
    "configuration: c.ServerApp.local_hostnames = ['{0}']."
)

MethodT = TypeVar("MethodT", bound=Callable[..., Awaitable[None]])


class PanelHandler(APIHandler):
    """Base of the panel's handlers."""

    auth_resource = "jmcp_lab"

    def initialize(self, services: PanelServices) -> None:
        """Store the services."""
        self.services = services

    async def prepare(self) -> None:  # type: ignore[override]
        """Refuse exchanges that do not come from the server's own page, then authenticate."""
        if self._carries_agent_token():
            self.current_user = self._jupyter_current_user = None
            raise web.HTTPError(403, "An agent token is valid only for the MCP endpoint.")
        if not from_own_page(self.request.headers):
            self.current_user = self._jupyter_current_user = None
            raise web.HTTPError(403, _NOT_OUR_PAGE)
        if name := unknown_name(self):
            self.current_user = self._jupyter_current_user = None
            raise web.HTTPError(403, _UNKNOWN_NAME.format(re.sub(r"[^\w.:-]", "?", name)[:80]))
        await super().prepare()
        if self.request.method in _READS:
            return
        if self.current_user is not None:
            self._check_change()
        # Stopping and revoking need no body, so they need no content type either.
        length = len(self.request.body)
        if refused := refused_body(self.request.headers, length, MAX_BODY, always_json=False):
            raise web.HTTPError(*refused)

    def set_cookie(self, name: str, value: str | bytes, *args: Any, **kwargs: Any) -> None:
        """Set no cookie in an exchange with a token: the cookie would be a login, which is more."""
        if not value or not (
            "Authorization" in self.request.headers or "token" in self.request.query_arguments
        ):
            super().set_cookie(name, value, *args, **kwargs)

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Log a failure without the full address, which may hold a token.

        Jupyter's own log leaves tokens out, but Tornado logs the address unchanged.
        """
        if isinstance(value, web.HTTPError):
            self.log.warning(
                "%d %s: %s", value.status_code, self._request_summary(), value.log_message
            )
        else:
            self.log.error("%s failed", self._request_summary(), exc_info=value)

    def _request_summary(self) -> str:
        """Describe the exchange in the log."""
        return f"{self.request.method} {self.request.path} ({self.request.remote_ip})"

    def _carries_agent_token(self) -> bool:
        """Return whether an agent's token is in any place that can hold a token."""
        values = [*self.request.headers.get_list("Authorization")]
        values += [v.decode("latin-1") for v in self.request.query_arguments.get("token", [])]
        return any(PREFIX in value for value in values)

    def _check_change(self) -> None:
        """Refuse a change that no person makes in one of the server's own pages."""
        if self.token_authenticated:
            raise web.HTTPError(403, _BROWSER_ONLY)
        # Opening a typed address ("none") may read, but must not decide anything.
        if self.request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            raise web.HTTPError(403, _BROWSER_ONLY)

    def set_default_headers(self) -> None:
        """Keep answers out of every cache, because one of them holds a token."""
        super().set_default_headers()
        self.set_header("Cache-Control", "no-store")

    def body(self, *known: str) -> dict[str, Any]:
        """Return the fields of the body.

        Raises
        ------
        InvalidArgumentError
            The body is not an object, or it has a field that is not in `known`.
        """
        try:
            fields = without_halves(json.loads(self.request.body or b"{}"))
        except (ValueError, RecursionError):
            raise InvalidArgumentError("The request body is not valid JSON.") from None
        if not isinstance(fields, dict):
            raise InvalidArgumentError("The request body must be a JSON object.")
        unknown = sorted(fields.keys() - set(known))
        if unknown:
            raise InvalidArgumentError(
                f"Unknown field '{unknown[0][:40]}'. Known fields: {', '.join(known) or 'none'}."
            )
        return fields

    def text(self, fields: dict[str, Any], name: str, *, longest: int = 2000) -> str | None:
        """Return a text field of the body, or None if it is missing or null.

        Raises
        ------
        InvalidArgumentError
        """
        value = fields.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or len(value) > longest:
            raise InvalidArgumentError(
                f"'{name}' must be a string of at most {longest} characters."
            )
        return value

    def page_base(self) -> str:
        """Return the server's base address as the browser knows it, ending with a slash.

        A proxy may change the host and the protocol that arrive here, but not the page's Origin.
        """
        asked = f"{self.request.protocol}://{self.request.host}"
        return (page_origin(self.request.headers) or asked) + self.base_url

    @property
    def person(self) -> str:
        """Name of the logged-in person, as others see it."""
        user = self.current_user
        return str(user.display_name or user.name or user.username)

    @property
    def owner(self) -> str:
        """Name under which this person owns agents; empty where Jupyter invents names."""
        return owner_of(self.identity_provider, self.current_user)

    def answer(self, body: dict[str, Any], status: int = 200) -> None:
        """Send JSON."""
        self.set_status(status)
        self.finish(dump_json(body))

    def no_content(self) -> None:
        """Report success without a body."""
        self.set_status(204)
        self.finish()

    def fail(self, status: int, message: str, code: str, **more: object) -> None:
        """Send an error that a person can act on."""
        self.set_status(status)
        self.finish(dump_json({"message": message, "code": code} | more))

    def conflict_details(self, *args: str) -> dict[str, object]:
        """Return the fields of an answer 409 besides message and code."""
        return {}

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Send a failure in the same JSON form as all errors of the panel."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        try:
            message = HTTPStatus(status_code).phrase + "."
        except ValueError:
            message = "Error."
        if isinstance(error, web.HTTPError) and error.log_message:
            message = error.log_message
        elif status_code == HTTPStatus.FORBIDDEN and self.current_user is None:
            message = "You are no longer logged in. Reload this page."
        elif error is not None and not isinstance(error, web.HTTPError):
            message = "Something went wrong inside jmcp_lab; the server log has the details."
        codes = {401: "unauthorized", 403: "forbidden", 404: "not_found"}
        self.fail(status_code, message, codes.get(status_code, "error"))


def decides(method: MethodT) -> MethodT:
    """Require the permission to execute, because the decisions of this route let agents act."""
    return cast("MethodT", cast("Any", authorized)("execute")(method))


def errors_as_json(method: MethodT) -> MethodT:
    """Turn each `ToolError` into an answer with the matching status."""

    @functools.wraps(method)
    async def wrapper(self: PanelHandler, *args: str) -> None:
        try:
            with contained():
                await method(self, *args)
        except ToolError as error:
            status = next((s for kind, s in _STATUS.items() if isinstance(error, kind)), 400)
            if status == HTTPStatus.CONFLICT:
                self.fail(status, error.message, "conflict", **self.conflict_details(*args))
            else:
                self.fail(status, error.message, error.code)

    return wrapper  # type: ignore[return-value]
