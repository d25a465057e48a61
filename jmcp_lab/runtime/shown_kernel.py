"""The kernel that a request names: code that is allowed runs in that one, or not at all."""

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
    """What a card says of the kernel that code is to run in.

    Parameters
    ----------
    name : str or None
        The kernelspec of the running kernel, or of the one that is to be started; None stands for
        the server's default.
    id : str or None
        None as long as none runs.
    others : tuple of str
        Paths of the other notebooks that use the kernel.
    program : str
        What the kernelspec starts, where none runs.
    """

    name: str | None
    id: str | None = None
    others: tuple[str, ...] = ()
    program: str = ""

    @classmethod
    async def of(
        cls, sessions: KernelSessions, nb: LiveNotebook, wanted: str | None = None
    ) -> ShownKernel:
        """Return the kernel that a notebook has, or that would be started for it."""
        session = await sessions.find(nb.path)
        if session is None:
            name = wanted or nb.kernel_name
            return cls(name, program=await sessions.program(name))
        return await cls.running(sessions, session)

    @classmethod
    async def running(cls, sessions: KernelSessions, session: SessionInfo) -> ShownKernel:
        """Return a kernel that runs."""
        return cls(session.kernel_name, session.kernel_id, await _others(sessions, session))

    @property
    def words(self) -> str:
        """Who else is concerned, for the card; an empty string if nobody is."""
        if not self.others:
            return ""
        return f"The kernel is also that of {self.named}: they share all variables."

    @property
    def named(self) -> str:
        """The other notebooks that use the kernel, for a sentence."""
        return ", ".join(file_name(path) for path in self.others)

    async def check(self, sessions: KernelSessions, nb: LiveNotebook) -> None:
        """Make sure that what was shown is still so.

        Raises
        ------
        ConflictError
            The notebook has got another kernel, other notebooks have got its kernel, or what the
            kernelspec starts is something else.
        """
        session = await sessions.find(nb.path)
        if session is not None:
            await self._check(sessions, nb, session)
        elif self.id is None and await sessions.program(self.name) not in ("", self.program):
            # What is unknown now does not start, which says why by itself.
            raise ConflictError(
                f"What starts when {nb.shown} gets its kernel has changed meanwhile (the "
                f"kernelspec {self.name or 'that is the default'}), so nothing was run. Call again "
                "if you still want to; the user is asked anew."
            )

    async def still(self, sessions: KernelSessions, nb: LiveNotebook) -> SessionInfo:
        """Return the notebook's session, where it has the very kernel that was shown.

        Raises
        ------
        ConflictError
        """
        session = await sessions.find(nb.path)
        if session is None or session.kernel_id != self.id:
            raise ConflictError(
                f"{nb.shown} has another kernel by now, or none, so nothing was done: the user has "
                "allowed this for the one before. Call again if you still want to; the user is "
                "asked anew."
            )
        await self.check_others(sessions, session)
        return session

    async def start(self, sessions: KernelSessions, nb: LiveNotebook) -> SessionInfo:
        """Return the notebook's session, with the kernel that was shown; start it if there is none.

        A kernel that took the place of the shown one is as good, if it is of the same kind and
        nobody else's: the old one died, or was restarted by hand.

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
                f"{nb.shown} got another kernel meanwhile ({session.kernel_name}), so nothing was "
                "run: the user has allowed this for the one before. Call again if you still want "
                "to; the user is asked anew."
            )

    async def check_others(self, sessions: KernelSessions, session: SessionInfo) -> None:
        """Make sure that no other notebook has got the kernel meanwhile.

        Raises
        ------
        ConflictError
        """
        new = [path for path in await _others(sessions, session) if path not in self.others]
        if new:
            raise ConflictError(
                f"The kernel is meanwhile that of {', '.join(map(file_name, new))} too, so nothing "
                "was done: the user was not told. Call again if you still want to; the user is "
                "asked anew."
            )


async def _others(sessions: KernelSessions, session: SessionInfo) -> tuple[str, ...]:
    paths = await sessions.paths_of(session.kernel_id)
    return tuple(sorted({path for path in paths if path != session.path}))
