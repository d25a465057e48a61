"""Defines the server extension: its configuration, and how it connects the services."""

from __future__ import annotations

import asyncio
import os
import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from jupyter_core.paths import jupyter_data_dir
from traitlets import Bool, Enum, Int, List, TraitError, Unicode, Union, validate

from .agents.agent_file import store_path
from .agents.log_redaction import keep_tokens_out_of_logs
from .agents.pairing import Pairings
from .agents.registry import AgentRegistry
from .calls.audit import Audit
from .calls.ledger import Ledger
from .extending.loading import with_other_tools
from .files.contents import Contents
from .files.importable import KnownModules
from .files.own_folders import own_folders
from .kernels.runs.executor import Executor
from .kernels.sessions import KernelSessions
from .mcp.endpoint import McpEndpoint
from .mcp.handler import McpHandler
from .mcp.rate_limit import WrongTokens
from .mcp.server_activity import Activity
from .notebooks.changes import Changes
from .notebooks.snapshots import AgentSnapshots
from .outputs.buffer import DEFAULT_LIMIT, MAX_OUTPUTS
from .panel.addresses import where_to_open
from .panel.doorbell import Doorbell
from .panel.handlers import routes
from .panel.nowhere import SIGN_IN_PATHS, NoSignInHandler, NowhereHandler
from .panel.services import PanelServices
from .permissions.gate import Gate
from .render.limits import Limits
from .rooms.backend import Backend, open_backend
from .rooms.liveness import NotLive, failed_to_load, log_words, say_so_to_pages, why_not_live
from .rooms.upstream.names import Name, Part, missing_names, names_off, words_of_parts
from .runtime.dispatcher import Dispatcher
from .runtime.open_pages import OpenPages
from .runtime.services import Services
from .runtime.supervisor import Supervisor
from .server.containment import contained
from .server.hardening import harden_server
from .server.heap import Heap, keep_few_arenas
from .server.helper_process import helper
from .server.settings import CheckedExtensionApp
from .server.shutdown import Signals, end_whatever_kernels_do, let_threads_end
from .tools.table import TOOLS
from .version import __version__

if TYPE_CHECKING:
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_server.serverapp import ServerApp


_WRONG_SETTINGS = (
    "No agent can connect, because a setting of this server is wrong. {} Correct it and restart "
    "the Jupyter server."
)


class JmcpLab(CheckedExtensionApp):
    """Agents in your notebooks, with you in charge: MCP and the Agents panel."""

    name = "jmcp_lab"
    app_name = "jmcp_lab"
    load_other_extensions = True
    not_live: NotLive | None = None
    missing: tuple[Name, ...] = ()
    """Names of other packages that jmcp_lab relies on and that do not exist."""
    _stopping: asyncio.Future[None] | None = None

    mcp_path = Unicode(
        "mcp", config=True, help="Where agents connect, below the server's base URL."
    )
    approval_minutes = Int(
        15,
        min=1,
        max=480,
        config=True,
        help=("Minutes until a request that nobody answers is denied."),
    )
    reply_characters = Int(
        20_000, min=1_000, config=True, help="Maximum characters of text in one reply to an agent."
    )
    send_images = Bool(True, config=True, help="Whether agents get the images in outputs.")
    output_limit = Int(
        DEFAULT_LIMIT,
        min=0,
        config=True,
        help=(
            "Maximum characters kept of the outputs of one run of a cell. Of longer outputs the "
            "first half and the last lines are kept, and a line between them says how much was "
            f"left out. Figures count a tenth of their size. Of more than {MAX_OUTPUTS:,} outputs "
            "some are left out as well. 0 keeps everything."
        ),
    )
    trust_outputs = Enum(
        ["allowed", "never"],
        "allowed",
        config=True,
        help=(
            "Whether scripts in the outputs of an allowed run work in the page, as they do when a "
            "person runs the cell: 'allowed', or 'never' (then one click shows them)."
        ),
    )
    harden = Bool(
        False,
        config=True,
        help=(
            "Keep the server's token, login cookies and memory away from code in kernels and "
            "terminals (Linux, not as root). Then the server opens no browser, everybody logs in "
            "again after a restart, and 'trust_outputs' is 'never'."
        ),
    )
    other_tools = Union(
        [Bool(), List()],
        default_value=True,
        config=True,
        help=(
            "Whether agents get the tools of other Python packages: True, False, or a list of the "
            "packages that may add tools. Nothing is imported from packages that may not add "
            "tools."
        ),
    )
    idle_minutes = Int(
        2, min=1, config=True, help="Minutes until an unused notebook is saved and closed."
    )

    @validate("mcp_path")
    def _valid_mcp_path(self, proposal: dict[str, Any]) -> str:
        return str(proposal["value"]).strip("/") or "mcp"

    @validate("other_tools")
    def _valid_other_tools(self, proposal: dict[str, Any]) -> bool | list[str]:
        # `List(Unicode())` would check this, but fails on the command line (traitlets 5.14).
        found = proposal["value"]
        if isinstance(found, list) and not all(isinstance(name, str) for name in found):
            raise TraitError("JmcpLab.other_tools must be a list of names.")
        return cast("bool | list[str]", found)

    def initialize_settings(self) -> None:
        """Create the services, lowest layer first."""
        keep_tokens_out_of_logs()
        server = self.serverapp
        assert server is not None
        self._look_upstream(server)
        self.protection = self._protect(server)
        root = getattr(server.contents_manager, "root_dir", "") or os.getcwd()
        self.agents = AgentRegistry(store_path(Path(jupyter_data_dir()), root), log=self.log)
        self.ledger = Ledger()
        self.gate = Gate(self.ledger, self.agents, expiry=timedelta(minutes=self.approval_minutes))
        self.pages = OpenPages()
        contents = Contents(server.contents_manager, lambda: own_folders(server, root))
        self.rooms = self._open_rooms(server, contents)
        self.sessions = KernelSessions(
            server.session_manager,
            server.kernel_manager,
            cast("KernelSpecManager", server.kernel_spec_manager),
            guarded=not self._lacks(Part.SESSIONS),
        )
        if self.not_live is None:
            # Modules for live documents are imported only if documents are live.
            from .kernels.stale_cells import StaleCells

            self.stale_cells = StaleCells(server, self.sessions)
        self.executor = Executor(server.kernel_manager, self.log, output_limit=self.output_limit)
        self.services = Services(
            rooms=self.rooms,
            sessions=self.sessions,
            executor=self.executor,
            ledger=self.ledger,
            gate=self.gate,
            agents=self.agents,
            snapshots=AgentSnapshots(),
            changes=Changes(),
            pages=self.pages,
            contents=contents,
            limits=Limits(text=self.reply_characters, send_images=self.send_images),
            lab_url=self.where_to_open,
            modules=KnownModules(root),
            trust_outputs=self.trust_outputs == "allowed",
        )
        tools = with_other_tools(TOOLS, self.other_tools, self.log)
        self.dispatcher = Dispatcher(tools, self.services)
        self.supervisor = Supervisor(self.services)
        self.endpoint = McpEndpoint(self.dispatcher, self.agents, version=__version__, log=self.log)
        events = server.event_logger
        assert events is not None
        self.audit = Audit(events, self.ledger)
        self.doorbell = Doorbell(events, self.ledger, self.agents)
        self.pages.ring = self.rooms.ring = lambda: self.doorbell.ring("notebooks")
        self.agents.watch_work(self.ledger.at_work)
        self.ledger.subscribe(Activity(server.web_app.settings).note)
        keep_few_arenas()
        heap = Heap()
        self.ledger.subscribe(lambda _: heap.worked())
        self.agents.on_revoke(self._forget_agent)

    def initialize_handlers(self) -> None:
        """Add the MCP endpoint and the panel's routes; Jupyter prefixes them with the base URL."""
        endpoint = {
            "endpoint": self.endpoint,
            "registry": self.agents,
            "wrong_tokens": WrongTokens(),
        }
        self.handlers.append((re.escape(self.mcp_path), McpHandler, endpoint))
        panel = self._panel_services()
        self.handlers.extend(routes("jmcp-lab/api", panel))
        for nowhere in (re.escape(self.mcp_path) + "/.*", "jmcp-lab/api/.*"):
            self.handlers.append((nowhere, NowhereHandler, {"services": panel}))
        no_sign_in = [(path, NoSignInHandler, {"services": panel}) for path in SIGN_IN_PATHS]
        self.handlers.extend(no_sign_in)
        if self.serverapp is not None and self.serverapp.base_url != "/":
            # Clients look at the root of the host. Behind a proxy this server may not own that.
            at_root = [(f"/{path}", *rest) for path, *rest in no_sign_in]
            cast("Any", self.serverapp.web_app).add_handlers(".*$", at_root)

    def _panel_services(self) -> PanelServices:
        return PanelServices(
            agents=self.agents,
            pairings=Pairings(self.agents),
            ledger=self.ledger,
            gate=self.gate,
            pages=self.pages,
            supervisor=self.supervisor,
            doorbell=self.doorbell,
            version=__version__,
            mcp_path=self.mcp_path,
            protection=self.protection,
            trust_outputs=self.trust_outputs,
            mcp_error=lambda: self.endpoint.error,
            not_live=lambda: self.not_live,
            missing=lambda: self.missing,
            troubles=lambda: self.rooms.troubles(),
            where_to_open=self.where_to_open,
        )

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:  # noqa: ANN401
        """Open the MCP endpoint; this imports the MCP SDK, which loading the extension does not."""
        # Other extensions may have created loggers since the first call.
        keep_tokens_out_of_logs()
        if self.not_live is None and failed_to_load(serverapp):
            self.not_live = NotLive.NO_EXTENSION
            self.rooms = self.services.rooms = self._open_rooms(serverapp, self.services.contents)
            self.rooms.ring = self.pages.ring
        if self.not_live is None:
            self._follow_rooms(serverapp)
        else:
            say_so_to_pages(serverapp, self.not_live)
            self.log.warning(log_words(self.not_live, names_off(self.missing)))
        for words in words_of_parts(self.missing):
            self.log.warning(words)
        signals = Signals(serverapp)
        if not self._lacks(Part.SIGNALS):
            signals.follow()
        if not self._lacks(Part.KERNELS):
            end_whatever_kernels_do(serverapp, signals.leave)
        let_threads_end(self.log)
        if wrong := self.all_wrong_settings():
            self.endpoint.stay_shut(_WRONG_SETTINGS.format(" ".join(wrong)))
        else:
            await self.endpoint.start()

    def _look_upstream(self, server: ServerApp) -> None:
        """Find out whether documents are live, before anything in other packages is patched."""
        self.not_live = why_not_live(server)
        self.missing = missing_names(
            live=self.not_live is None, others=self.not_live is NotLive.OTHERS
        )
        if names_off(self.missing):
            self.not_live = NotLive.UPSTREAM

    def _lacks(self, part: Part) -> bool:
        return any(name.part is part for name in self.missing)

    def _open_rooms(self, server: ServerApp, contents: Contents) -> Backend:
        rooms = open_backend(
            server,
            contents,
            self.log,
            why=self.not_live,
            pages=self.pages,
            idle_seconds=self.idle_minutes * 60.0,
            missing=self.missing,
        )
        # `self.settings` is a copy of the server's settings that Jupyter later copies back.
        self.settings["contents_manager"] = server.web_app.settings["contents_manager"]
        return rooms

    def _follow_rooms(self, server: ServerApp) -> None:
        """Start to follow the live documents."""
        from .rooms.live_room import LiveRoom
        from .rooms.moved_files import MovedFiles
        from .rooms.upstream.ydoc_server import Upstream

        upstream = Upstream(server, LiveRoom)
        upstream.run_before_stop(self.stop_extension)
        upstream.follow_files()
        upstream.keep_folders_clean()
        MovedFiles(upstream, self.services.contents, self.rooms.notices).listen(server)
        self.rooms.listen()
        self.stale_cells.listen()

    async def stop_extension(self) -> None:
        """Close the MCP endpoint, end runs, save notebooks; Ctrl-C allows only limited time."""
        if self._stopping is None:
            self._stopping = asyncio.ensure_future(self._stop_services())
        await self._stopping

    async def _stop_services(self) -> None:
        for stop in (self.endpoint.stop, self.dispatcher.stop, self.executor.stop, self.rooms.stop):
            try:
                with contained():
                    await stop()
            except Exception:
                # An exception here would prevent the whole server from stopping.
                self.log.exception("jmcp_lab did not stop cleanly")
        self.audit.flush()
        helper.close()

    def _protect(self, server: ServerApp) -> str:
        """Harden the server if it is configured; return the protection level for the panel."""
        protection = self._harden(server) if self.harden else "standard"
        if server.identity_provider.auth_enabled:
            return protection
        self.log.warning(
            "This server requires no login: any program on this computer can answer the requests "
            "of agents in your name."
        )
        return "open"

    def _harden(self, server: ServerApp) -> str:
        # A script in an output runs in the page in which the person decides.
        self.trust_outputs = "never"
        if self._lacks(Part.HARDENING):
            # The log names what is missing when the server starts.
            return "standard"
        opens = server.open_browser
        left = harden_server(server)
        # `self.settings` is a copy of the server's settings that Jupyter later copies back.
        self.settings["cookie_secret"] = server.cookie_secret
        if opens:
            self.log.info(
                "The server runs hardened, so it opens no browser: open its address yourself."
            )
        for words in left:
            self.log.warning("JmcpLab.harden: the server is not hardened: %s.", words)
        return "standard" if left else "hardened"

    def _forget_agent(self, agent_id: str) -> None:
        self.gate.grants.forget_agent(agent_id)
        self.gate.patience.forget_agent(agent_id)
        self.gate.deny_waiting(agent_id, "revoked")
        self.services.snapshots.forget_agent(agent_id)
        self.rooms.notices.forget_agent(agent_id)
        self.executor.forget_owner(agent_id)

    def where_to_open(self) -> str:
        """Return where the person opens JupyterLab, without any token."""
        server = self.serverapp
        assert server is not None
        return where_to_open(server, self.pages)
