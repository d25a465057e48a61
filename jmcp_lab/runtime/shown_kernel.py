"""The kernel that a request names; allowed code runs in that kernel or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import ConflictError
from .wording import file_name

if TYPE_CHECKING:
    from ..kernels.sessions import KernelSessions, SessionInfo
    from ..notebooks.live_notebook import LiveNotebook


@dataclass(frozen=True, slots=True)
class ShownKernel:
    """What a card says about the kernel in which code will run.

    Parameters
    ----------
    name : str or None
        Kernelspec of the running kernel, or of the kernel that will be started. None means the
        server's default.
    id : str or None
        Id of the running kernel; None while none runs.
    others : tuple of str
        Paths of the other notebooks that use the kernel.
    program : str
        Program that the kernelspec starts; empty while a kernel runs.
    """

    name: str | None
    id: str | None = None
    others: tuple[str, ...] = ()
    program: str = ""

    @classmethod
    async def of(
        cls, sessions: KernelSessions, nb: LiveNotebook, wanted: str | None = None
    ) -> ShownKernel:
        """Return the kernel that a notebook has, or the one that would be started for it."""
        session = await sessions.find(nb.path)
        if session is None:
            name = wanted or nb.kernel_name
            return cls(name, program=await sessions.program(name))
        return await cls.running(sessions, session)

    @classmethod
    async def running(cls, sessions: KernelSessions, session: SessionInfo) -> ShownKernel:
        """Return a running kernel."""
        return cls(session.kernel_name, session.kernel_id, await _others(sessions, session))

    @property
    def words(self) -> str:
        """Sentence for the card about other notebooks that share the kernel; empty if none does."""
        if not self.others:
            return ""
        return f"The same kernel also runs {self.named}: they share all variables."

    @property
    def named(self) -> str:
        """Names of the other notebooks that use the kernel."""
        return ", ".join(file_name(path) for path in self.others)

    async def check(self, sessions: KernelSessions, nb: LiveNotebook) -> None:
        """Make sure that what the card showed is still true.

        Raises
        ------
        ConflictError
            The notebook has another kernel now, other notebooks share its kernel now, or the
            kernelspec starts another program now.
        """
        session = await sessions.find(nb.path)
        if session is not None:
            await self._check(sessions, nb, session)
        elif self.id is None and await sessions.program(self.name) not in ("", self.program):
            # An unknown kernelspec cannot start, and the attempt reports that.
            raise ConflictError(
                f"The kernelspec of {nb.shown} ({self.name or 'the default'}) now starts another "
                "program than the user allowed, so nothing was run. Call again if you still want "
                "to; the user will be asked again."
            )

    async def still(self, sessions: KernelSessions, nb: LiveNotebook) -> SessionInfo:
        """Return the notebook's session if it still has the kernel that was shown.

        Raises
        ------
        ConflictError
        """
        session = await sessions.find(nb.path)
        if session is None or session.kernel_id != self.id:
            raise ConflictError(
                f"{nb.shown} no longer has the kernel that the user allowed this for, so nothing "
                "was done. Call again if you still want to; the user will be asked again."
            )
        await self.check_others(sessions, session)
        return session

    async def start(self, sessions: KernelSessions, nb: LiveNotebook) -> SessionInfo:
        """Return the notebook's session, with the kernel that was shown; start it if there is none.

        Another kernel may have replaced the shown one, because that one died or somebody restarted
        it. It is accepted if it has the same kernelspec and no other notebook uses it.

        Raises
        ------
        ConflictError
            See `check`.
        """
        await self.check(sessions, nb)
        session = await sessions.start(nb.path, self.name)
        await self._check(sessions, nb, session)
        return session

    async def _check(
        self, sessions: KernelSessions, nb: LiveNotebook, session: SessionInfo
    ) -> None:
        others = await _others(sessions, session)
        if session.kernel_id == self.id:
            await self.check_others(sessions, session)
        elif self.name not in (None, session.kernel_name) or others:
            raise ConflictError(
                f"{nb.shown} now has another kernel ({session.kernel_name}) than the user allowed "
                "this for, so nothing was run. Call again if you still want to; the user will be "
                "asked again."
            )

    async def check_others(self, sessions: KernelSessions, session: SessionInfo) -> None:
        """Make sure that only the notebooks that were shown use the kernel.

        Raises
        ------
        ConflictError
        """
        new = [path for path in await _others(sessions, session) if path not in self.others]
        if new:
            raise ConflictError(
                f"The kernel now also runs {', '.join(map(file_name, new))}, which the user was "
                "not shown, so nothing was done. Call again if you still want to; the user will "
                "be asked again."
            )


async def _others(sessions: KernelSessions, session: SessionInfo) -> tuple[str, ...]:
    paths = await sessions.paths_of(session.kernel_id)
    return tuple(sorted({path for path in paths if path != session.path}))
