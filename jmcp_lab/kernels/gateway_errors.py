"""Error messages for kernels behind a gateway that does not answer."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from jupyter_server.gateway.gateway_client import GatewayClient
from tornado import httpclient, web

from ..errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

_WITHOUT = "Tell the user. Reading, editing and files work without a kernel."

NO_ANSWER = f"The kernel gateway that provides this server's kernels does not respond. {_WITHOUT}"

UNAUTHORIZED, FORBIDDEN = 401, 403

_AWAY = (502, 503, 504, 599)
"""Statuses with which a proxy, Jupyter Server's client or Tornado's reports a missing gateway."""


def behind_gateway() -> bool:
    """Return whether the server gets its kernels from a gateway."""
    return bool(GatewayClient.instance().gateway_enabled)


@contextmanager
def reaching() -> Iterator[None]:
    """Access the server's kernels; report a failing gateway as such.

    The errors of jupyter-server's gateway client contain the gateway's address, which agents must
    not see.

    Raises
    ------
    UnavailableError
    """
    try:
        yield
    except (web.HTTPError, httpclient.HTTPError, OSError) as error:
        if not behind_gateway():
            raise
        raise UnavailableError(_words(error)) from error


def is_forbidden(error: web.HTTPError) -> bool:
    """Return whether a gateway forbids an operation, such as listing its kernels."""
    return behind_gateway() and error.status_code == FORBIDDEN


def _words(error: web.HTTPError | httpclient.HTTPError | OSError) -> str:
    if isinstance(error, OSError) or isinstance(error.__cause__, OSError):
        return NO_ANSWER
    status = error.status_code if isinstance(error, web.HTTPError) else error.code
    if status in _AWAY:
        return NO_ANSWER
    if status in (UNAUTHORIZED, FORBIDDEN):
        return f"The kernel gateway did not allow this server to do that. {_WITHOUT}"
    return f"The kernel gateway could not do that (HTTP {status}). {_WITHOUT}"
