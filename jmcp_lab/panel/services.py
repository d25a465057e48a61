"""Bundles the services that the panel's handlers use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from ..agents.pairing import Pairings
    from ..agents.registry import AgentRegistry
    from ..calls.ledger import Ledger
    from ..permissions.gate import Gate
    from ..rooms.liveness import NotLive
    from ..rooms.troubles import Troubles
    from ..rooms.upstream.names import Name
    from ..runtime.open_pages import OpenPages
    from ..runtime.supervisor import Supervisor
    from .doorbell import Doorbell


@dataclass(frozen=True, slots=True)
class PanelServices:
    """The services and settings of this server, as far as the panel needs them.

    Parameters
    ----------
    agents : AgentRegistry
    pairings : Pairings
    ledger : Ledger
    gate : Gate
    pages : OpenPages
    supervisor : Supervisor
    doorbell : Doorbell
    version : str
        Version of this package.
    mcp_path : str
        Path at which agents connect, below the server's base URL.
    protection : str
        ``open``, ``standard`` or ``hardened``.
    trust_outputs : str
        Setting of the same name.
    mcp_error : callable
        Returns why no agent can connect, or None.
    not_live : callable
        Returns why notebooks are not live documents, or None. It is known for sure only once all
        server extensions are loaded.
    missing : callable
        Returns the names that other packages no longer have.
    troubles : callable
        Returns what a person must know of open documents.
    where_to_open : callable
        Returns where a person opens JupyterLab, without any token.
    """

    agents: AgentRegistry
    pairings: Pairings
    ledger: Ledger
    gate: Gate
    pages: OpenPages
    supervisor: Supervisor
    doorbell: Doorbell
    version: str
    mcp_path: str
    protection: str
    trust_outputs: str
    mcp_error: Callable[[], str | None]
    not_live: Callable[[], NotLive | None]
    missing: Callable[[], Collection[Name]]
    troubles: Callable[[], Troubles]
    where_to_open: Callable[[], str]
