"""Find a notebook's kernel: the same Jupyter session that its page uses."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from jupyter_client.kernelspec import NoSuchKernel
from jupyter_core.utils import ensure_async

from ..errors import NotFoundError, UnavailableError
from ..server.manager_errors import ManagerError
from .gateway_errors import behind_gateway, is_forbidden, reaching
from .kernelspecs import cannot_start, content_of, language_of
from .session_guard import SessionGuard, session_of

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import KernelManager
    from jupyter_server.services.kernels.kernelmanager import MappingKernelManager
    from jupyter_server.services.sessions.sessionmanager import SessionManager


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A notebook's session.

    Parameters
    ----------
    path : str
        Empty for a kernel that no notebook uses.
    session_id : str
    kernel_id : str
    kernel_name : str
        The name of the kernelspec.
    state : str
        ``idle``, ``busy``, ``starting``, ``dead`` or ``unknown``.
    language : str
        As the kernelspec names it, or an empty string.
    """

    path: str
    session_id: str
    kernel_id: str
    kernel_name: str
    state: str
    language: str


@dataclass(frozen=True, slots=True)
class SpecInfo:
    """A kernelspec that can be started."""

    name: str
    display_name: str
    language: str
    default: bool
    program: str = ""


@dataclass(frozen=True, slots=True)
class KernelInfo:
    """A running kernel and the notebooks whose sessions use it."""

    id: str
    name: str
    state: str
    paths: tuple[str, ...]


class KernelSessions:
    """The sessions and kernels of this server.

    Parameters
    ----------
    session_manager, kernel_manager, kernel_spec_manager
        The server's own.
    guarded : bool, optional
        Whether who asks second for a notebook's kernel gets the first one's; see `SessionGuard`.
    """

    def __init__(
        self,
        session_manager: SessionManager,
        kernel_manager: MappingKernelManager,
        kernel_spec_manager: KernelSpecManager,
        *,
        guarded: bool = True,
    ) -> None:
        self._sessions: Any = session_manager
        self._kernels: Any = kernel_manager
        self._specs: Any = kernel_spec_manager
        self._languages: dict[str, str] = {}
        self._starts: set[asyncio.Task[Any]] = set()
        if guarded:
            SessionGuard(session_manager)

    # -- notebooks -----------------------------------------------------------------------------

    async def find(self, path: str) -> SessionInfo | None:
        """Return the session of a notebook, whoever created it, or None."""
        model = await self._model(path)
        return None if model is None else await self._info(model)

    async def list_sessions(self) -> list[SessionInfo]:
        """Return the sessions of all notebooks."""
        models = await ensure_async(self._sessions.list_sessions())
        return [await self._info(model) for model in models if model["type"] == "notebook"]

    async def get(self, kernel_id: str) -> SessionInfo:
        """Return the session that uses a running kernel; its path may be empty.

        Raises
        ------
        NotFoundError
        """
        self._check(kernel_id)
        for model in await ensure_async(self._sessions.list_sessions()):
            if model["kernel"]["id"] == kernel_id and model["type"] == "notebook":
                return await self._info(model)
        kernel = await ensure_async(self._kernels.kernel_model(kernel_id))
        return await self._info({"path": "", "id": "", "kernel": kernel})

    async def start(self, path: str, kernel_name: str | None = None) -> SessionInfo:
        """Return the session of a notebook; create one, with a kernel, if there is none.

        Parameters
        ----------
        path : str
        kernel_name : str, optional
            The kernelspec for a new session: the notebook's own, or None for the server's default.

        Raises
        ------
        UnavailableError
            There is no such kernelspec, or the kernel does not start.
        """
        model = await self._model(path)
        if model is None:
            model = await self._create(path, kernel_name=kernel_name)
        return await self._info(model)

    async def assign(self, path: str, kernel: str) -> SessionInfo:
        """Give a notebook another kernel; its old one is shut down unless others use it.

        Parameters
        ----------
        path : str
        kernel : str
            The name of a kernelspec, or the id of a running kernel.

        Raises
        ------
        NotFoundError
            It is neither.
        UnavailableError
            The kernel does not start.
        """
        await self.check_kernel(kernel)
        running = kernel if kernel in self._kernels else None
        model = await self._model(path)
        if model is None:
            model = await self._create(path, kernel_name=kernel, kernel_id=running)
            made = model["kernel"]
            if (made["name"] if running is None else made["id"]) == kernel:
                return await self._info(model)
        old = model["kernel"]["id"]
        if running is None:
            running = await self._guarded(
                self._sessions.start_kernel_for_session(
                    model["id"], model["path"], model["name"], model["type"], kernel
                ),
                kernel,
            )
        if running != old:
            await ensure_async(self._sessions.update_session(model["id"], kernel_id=running))
            if old in self._kernels and not await self.paths_of(old):
                with reaching():
                    await ensure_async(self._kernels.shutdown_kernel(old))
        return await self._info(await ensure_async(self._sessions.get_session(path=path)))

    async def shutdown(self, session: SessionInfo) -> None:
        """End a session and its kernel; a kernel that other notebooks use stays."""
        others = [p for p in await self.paths_of(session.kernel_id) if p != session.path]
        if others:
            # The server's own way of deleting a session always ends the kernel as well.
            self._sessions.cursor.execute(
                "DELETE FROM session WHERE session_id=?", (session.session_id,)
            )
        else:
            with reaching():
                await ensure_async(self._sessions.delete_session(session.session_id))

    # -- kernels -------------------------------------------------------------------------------

    async def restart(self, session: SessionInfo) -> None:
        """Restart a session's kernel; its variables are lost.

        Raises
        ------
        NotFoundError
        UnavailableError
            It does not start again.
        """
        self._check(session.kernel_id)
        restarted = await self._guarded(self._kernels.restart_kernel(session.kernel_id), None)
        if restarted is not None:
            # The server's kernel manager returns before the new kernel answers.
            await self._guarded(restarted, None)

    async def interrupt(self, session: SessionInfo) -> None:
        """Interrupt whatever the kernel runs now, whoever asked for it.

        Raises
        ------
        NotFoundError
        """
        self._check(session.kernel_id)
        with reaching():
            await ensure_async(self._kernels.interrupt_kernel(session.kernel_id))

    def kernel(self, kernel_id: str) -> KernelManager:
        """Return the manager of a running kernel.

        Raises
        ------
        NotFoundError
        """
        self._check(kernel_id)
        return cast("KernelManager", self._kernels.get_kernel(kernel_id))

    def runs(self, kernel_id: str) -> bool:
        """Return whether this is the id of a running kernel."""
        return kernel_id in self._kernels

    async def check_kernel(self, kernel: str) -> None:
        """Check that `kernel` is a kernelspec or the id of a running kernel.

        Raises
        ------
        NotFoundError
        """
        if self.runs(kernel):
            return
        names = [spec.name for spec in await self.list_specs()]
        if kernel not in names:
            raise NotFoundError(
                f"'{kernel[:80]}' is neither a kernelspec nor the id of a running kernel. "
                f"Kernelspecs here: {', '.join(names)}."
            )

    async def spec(self, kernel: str | None) -> SpecInfo | None:
        """Return a kernelspec by its name or by a running kernel's id; the default for None."""
        specs = {spec.name: spec for spec in await self.list_specs()}
        if kernel is not None and kernel in self._kernels:
            kernel = (await self.get(kernel)).kernel_name
        return specs.get(kernel or self._kernels.default_kernel_name)

    async def program(self, kernel: str | None) -> str:
        """Return a text that changes when a kernelspec starts another program; empty if unknown.

        Parameters
        ----------
        kernel : str or None
            None is the server's default.
        """
        try:
            with reaching():
                name = kernel or self._kernels.default_kernel_name
                spec = await ensure_async(self._specs.get_kernel_spec(name))
        except (KeyError, UnavailableError):
            return ""
        return content_of(spec)

    async def list_kernels(self) -> list[KernelInfo]:
        """Return the running kernels."""
        return [
            KernelInfo(
                id=model["id"],
                name=model["name"],
                state=str(model.get("execution_state") or "unknown"),
                paths=tuple(await self.paths_of(model["id"])),
            )
            for model in await self._kernel_models()
        ]

    async def _kernel_models(self) -> list[dict[str, Any]]:
        with reaching():
            try:
                return list(await ensure_async(self._kernels.list_kernels()))
            except ManagerError as error:
                if not is_forbidden(error):
                    raise
        # By default, a gateway does not list the kernels of all its users.
        ids = list(self._kernels.list_kernel_ids())
        return [await ensure_async(self._kernels.kernel_model(each)) for each in ids]

    async def list_specs(self) -> list[SpecInfo]:
        """Return the kernelspecs, the default one first."""
        with reaching():
            found = await ensure_async(self._specs.get_all_specs())
        default = self._kernels.default_kernel_name
        specs = [
            SpecInfo(
                name=name,
                display_name=str(entry["spec"].get("display_name") or name),
                language=str(entry["spec"].get("language") or ""),
                default=name == default,
                program=str(next(iter(entry["spec"].get("argv") or ()), "")),
            )
            for name, entry in found.items()
        ]
        return sorted(specs, key=lambda spec: (not spec.default, spec.name))

    # -- details -------------------------------------------------------------------------------

    async def _model(self, path: str) -> dict[str, Any] | None:
        return await session_of(self._sessions, path)

    async def paths_of(self, kernel_id: str) -> list[str]:
        """Return the paths of the sessions that use a kernel."""
        models = await ensure_async(self._sessions.list_sessions())
        return [model["path"] for model in models if model["kernel"]["id"] == kernel_id]

    async def _create(
        self, path: str, *, kernel_name: str | None, kernel_id: str | None = None
    ) -> dict[str, Any]:
        # A page looks for this type and path when it opens the notebook.
        model = await self._guarded(
            self._sessions.create_session(
                path=path,
                name=path.rpartition("/")[2],
                type="notebook",
                kernel_name=kernel_name or None,
                kernel_id=kernel_id,
            ),
            kernel_name,
        )
        return dict(model)

    async def _guarded(self, work: Awaitable[Any], kernel_name: str | None) -> Any:  # noqa: ANN401
        """Await an operation that starts a kernel; explain a failure.

        The operation continues if the caller is cancelled. A half-finished start leaves a kernel
        that is in no list, and a half-finished restart leaves a notebook without a kernel.
        """
        start = asyncio.ensure_future(ensure_async(work))
        self._starts.add(start)
        start.add_done_callback(self._starts.discard)
        try:
            return await asyncio.shield(start)
        except NoSuchKernel as error:
            names = ", ".join(spec.name for spec in await self.list_specs())
            raise UnavailableError(
                f"The notebook names the kernel '{error.name}', which is not installed here. "
                f"Installed: {names}. Use assign_kernel_to_notebook to choose one."
            ) from error
        except Exception as error:
            with reaching():
                if behind_gateway() and isinstance(error, ManagerError):
                    raise
            cannot_start(kernel_name, error)

    def _check(self, kernel_id: str) -> None:
        if kernel_id not in self._kernels:
            raise NotFoundError(
                "The kernel is no longer running. Start one for the notebook with "
                "assign_kernel_to_notebook."
            )

    async def _info(self, model: dict[str, Any]) -> SessionInfo:
        kernel = model["kernel"]
        return SessionInfo(
            path=model["path"],
            session_id=model["id"],
            kernel_id=kernel["id"],
            kernel_name=kernel["name"],
            state=str(kernel.get("execution_state") or "unknown"),
            language=await self._language(kernel["id"], kernel["name"]),
        )

    async def _language(self, kernel_id: str, kernel_name: str) -> str:
        """Return the language of a running kernel; its kernelspec is read once."""
        if kernel_id not in self._languages:
            try:
                with reaching():
                    spec = await ensure_async(self._specs.get_kernel_spec(kernel_name))
            except (KeyError, UnavailableError):
                # NoSuchKernel is a KeyError, and a gateway may not answer at the moment.
                return ""
            running = {k: v for k, v in self._languages.items() if k in self._kernels}
            self._languages = {**running, kernel_id: language_of(spec)}
        return self._languages[kernel_id]
