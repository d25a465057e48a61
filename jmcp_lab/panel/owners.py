"""Decides who may answer for an agent: its owner, where Jupyter knows people by name.

With a token or one shared password, Jupyter invents a name for each browser. The same person would
be somebody else in another browser or after the cookie expired, and must not be locked out. So all
such people count as one. Where an identity provider names people, an agent belongs to its owner.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from jupyter_core.utils import ensure_async
from jupyter_server.auth.identity import (
    IdentityProvider,
    LegacyIdentityProvider,
    PasswordIdentityProvider,
)

from ..calls.call import ToolClass
from ..errors import DeniedError

if TYPE_CHECKING:
    from jupyter_server.auth import User
    from jupyter_server.base.handlers import JupyterHandler

    from ..agents.agent import Agent
    from ..calls.call import Call

_INVENTED_ID = re.compile(r"[0-9a-f]{32}")

_NAMING = (
    "get_user",
    "_get_user",
    "get_user_token",
    "get_user_cookie",
    "user_from_cookie",
    "generate_anonymous_user",
    "process_login_form",
)
"""Methods of an identity provider that decide who somebody is."""

NEEDED: dict[ToolClass, tuple[tuple[str, str], ...]] = {
    ToolClass.RUN: (("execute", "kernels"),),
    ToolClass.INSPECT: (("execute", "kernels"),),
    ToolClass.KERNEL: (("execute", "kernels"),),
    ToolClass.EDIT: (("write", "contents"),),
    ToolClass.FILE: (("write", "contents"),),
    ToolClass.READ: (("read", "contents"),),
    ToolClass.INFO: (("read", "contents"),),
}
"""Permissions that a person needs to decide about an action, by its class."""


def owner_of(provider: IdentityProvider, user: User) -> str:
    """Return the name under which a person owns agents; empty if Jupyter invented it."""
    if _invents_names(provider):
        return ""
    # A provider with names may also let in people without one, by the server's token.
    nameless = isinstance(provider, LegacyIdentityProvider) or user.name.startswith("Anonymous ")
    invented = nameless and _INVENTED_ID.fullmatch(user.username) is not None
    return "" if invented else str(user.username)


def _invents_names(provider: IdentityProvider) -> bool:
    """Return whether only Jupyter's own code identifies people."""
    own = (IdentityProvider, PasswordIdentityProvider)
    return all(
        any(getattr(type(provider), name, None) is getattr(kind, name, None) for kind in own)
        for name in _NAMING
    )


def check_owner(owner: str, agent: Agent) -> None:
    """Refuse everybody but the owner of an agent.

    Parameters
    ----------
    owner : str
        Name of the person who asks, as `owner_of` returns it.
    agent : Agent

    Raises
    ------
    DeniedError
    """
    if agent.owner and agent.owner != owner:
        raise DeniedError(
            f"Only {agent.owner}, who connected this agent, can do this. You can stop it.",
            code="not_owner",
        )


async def check_may_decide(handler: JupyterHandler, call: Call) -> None:
    """Refuse people who may not do themselves what a call asks for.

    Raises
    ------
    DeniedError
    """
    for action, resource in (needed for each in call.classes for needed in NEEDED[each]):
        user = handler.current_user
        if not await ensure_async(
            handler.authorizer.is_authorized(handler, user, action, resource)
        ):
            raise DeniedError(
                f"This server does not let you {action} {resource}, so you cannot decide this. "
                "You can stop it."
            )


async def decidable(handler: JupyterHandler, panel: str) -> list[str]:
    """Return the classes of actions that this person may decide about.

    Parameters
    ----------
    handler : JupyterHandler
        Handler of a request of this person.
    panel : str
        Name of the panel's routes for the authorizer.
    """
    asked: dict[tuple[str, str], bool] = {}

    async def may(action: str, resource: str) -> bool:
        if (action, resource) not in asked:
            user = handler.current_user
            found = handler.authorizer.is_authorized(handler, user, action, resource)
            asked[action, resource] = await ensure_async(found)
        return asked[action, resource]

    if not await may("execute", panel):
        return []
    return [
        each.value
        for each, needed in NEEDED.items()
        if all([await may(action, resource) for action, resource in needed])
    ]
