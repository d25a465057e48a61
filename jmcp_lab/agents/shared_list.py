"""The list of agents on disk, which all servers of one root read and write."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from ..errors import UnavailableError
from ..files.save_errors import cause
from ..server.shared_files import LockTimeoutError, locked
from . import agent_file as storage
from .seal import Seal

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from .agent import Agent

LOCK_SECONDS = 2.0
"""Maximum seconds that a change waits while another server of the same root writes the list."""

FRESH_NS = 50_000_000
"""Nanoseconds after a file's change within which it may change again without a new stamp."""


def shared_fields(agents: Iterable[Agent]) -> list[tuple[object, ...]]:
    """Return what all servers must know about the agents, for comparison."""
    return [(each.id, *(getattr(each, name) for name in storage.SHARED)) for each in agents]


class SharedList:
    """Reads what other servers wrote, and writes while none of them does.

    Parameters
    ----------
    path : Path
    log : logging.Logger
    """

    def __init__(self, path: Path, log: logging.Logger) -> None:
        self._path = path
        self._log = log
        self._stamp: tuple[int, int, int] | None = None
        self._read_at = 0
        # The key is beside the folder, which contains only the list and its lock.
        self._seal = Seal(path.parent.with_name(f"{path.parent.name}.key"))
        self._revision = 0

    def news(self, *, certain: bool = False) -> storage.Stored | None:
        """Return the stored list if it may be new; None otherwise, or if it cannot be read.

        Parameters
        ----------
        certain : bool, optional
            Read the list even if nothing seems to have changed.
        """
        stamp = storage.stamp(self._path)
        settled = stamp is None or self._read_at - stamp[1] > FRESH_NS
        if stamp is None or (stamp == self._stamp and settled and not certain):
            return None
        self._stamp, self._read_at = stamp, time.time_ns()
        stored = storage.load(self._path, self._log, self._seal, self._revision)
        if stored is not None:
            self._revision = stored.revision
        return stored

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other servers of the same root from writing during the block.

        Raises
        ------
        UnavailableError
            One of them writes for too long.
        """
        with ExitStack() as stack:
            try:
                stack.enter_context(locked(self._path.with_suffix(".lock"), LOCK_SECONDS))
            except LockTimeoutError:
                raise UnavailableError(
                    "Another Jupyter server is writing the list of agents. Try again."
                ) from None
            except OSError:
                pass  # Then writing the list fails as well, and that reports the error.
            yield

    def save(self, agents: Iterable[Agent], offered: Mapping[str, Agent], *, stopped: bool) -> None:
        """Write the list; call this inside `alone`. See `agent_file.save`.

        Raises
        ------
        UnavailableError
            It cannot be written.
        """
        try:
            revision = self._revision + 1
            storage.save(
                self._path, agents, offered, stopped=stopped, revision=revision, seal=self._seal
            )
            self._revision = revision
        except OSError as error:
            self._log.error("The list of agents could not be written: %s", error.strerror)
            raise UnavailableError(
                f"The list of agents could not be written: {cause(error)} The server log has the "
                "details."
            ) from error
        self._stamp, self._read_at = storage.stamp(self._path), time.time_ns()
