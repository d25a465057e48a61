"""The kernel that a request names: code that is allowed runs in that one, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import ConflictError
from .wording import file_name

if TYPE_CHECKING:
    from ..kernels.sessions import KernelSessions, SessionInfo
    from ..notebooks.live import LiveNotebook


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
    """

    name: str | None
    id: str | None = None
    others: tuple[str, ...] = ()

    @classmethod
    async def of(
        cls, sessions: KernelSessions, nb: LiveNotebook, wanted: str | None = None
    ) -> ShownKernel:
        """Return the kernel that a notebook has, or that would be started for it."""
        session = await sessions.find(nb.path)
        if session is None:
            return cls(wanted or nb.kernel_name)
        return cls(session.kernel_name, session.kernel_id, await _others(sessions, session))

    @property
    def words(self) -> str:
        """Who else is concerned, for the card; an empty string if nobody is."""
        if not self.others:
            return ""
        names = ", ".join(file_name(path) for path in self.others)
        return f"The kernel is also that of {names}: they share all variables."

    async def start(self, sessions: KernelSessions, nb: LiveNotebook) -> SessionInfo:
        """Return the notebook's session, with the kernel that was shown; start it if there is none.

        A kernel that took the place of the shown one is as good, if it is of the same kind and
        nobody else's: the old one died, or was restarted by hand.

        Raises
        ------
        ConflictError
            The notebook has got another kernel.
        """
        session = await sessions.start(nb.path, self.name)
        if session.kernel_id == self.id:
            return session
        alike = self.name in (None, session.kernel_name)
        if not alike or await _others(sessions, session):
            raise ConflictError(
                f"{nb.shown} got another kernel meanwhile ({session.kernel_name}), so nothing was "
                "run: the user has allowed this for the one before. Call again if you still want "
                "to; the user is asked anew."
            )
        return session


async def _others(sessions: KernelSessions, session: SessionInfo) -> tuple[str, ...]:
    paths = await sessions.paths_of(session.kernel_id)
    return tuple(sorted({path for path in paths if path != session.path}))
