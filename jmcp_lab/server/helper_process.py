"""A process beside the server for work that would block all threads of the server.

Python runs one thread at a time. A thread that processes millions of values makes all others wait
for the lock again and again, and leaves holes in the server's memory. So outputs of that size are
passed to another process. It starts on demand, does one thing after the other, and ends when it was
idle for a while or has become large. It calls imported functions, whose arguments and results must
be picklable.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, ParamSpec, TypeVar, cast

from ..errors import UnavailableError
from .containment import contained
from .garbage_collector import collector_paused

if TYPE_CHECKING:
    import io
    from collections.abc import Callable

SECONDS = 60.0
"""Maximum seconds of one call."""

MAX_BYTES = 3 << 30
"""Maximum address space of the process."""

IDLE_SECONDS = 60.0
"""Seconds without a call after which the process ends."""

END_SECONDS = 5.0
"""Maximum seconds that the process may take to end once it no longer answers."""

KEPT_BYTES = 300_000_000
"""Memory of a call after which the process ends, because it would keep most of it."""

_BEGIN = """
import json, os, sys
try:
    sys.path += json.loads(sys.stdin.buffer.readline())
    from jmcp_lab.server.helper_process import serve
except BaseException:  # whatever it is, the server does the work itself then
    os._exit(3)
serve()
"""

_ENDED, _NOT_UNDERSTOOD, _OUT_OF_MEMORY = 0, 3, 4
"""Exit codes of the process; with any other one, the system has ended it."""

_NEEDED = ("jmcp_lab", "PIL")
"""Packages that the process imports, which may be outside its default path."""

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class NoHelperError(Exception):
    """The process cannot be started here, or cannot be given this call."""


class _EndedError(Exception):
    """The process ended by itself before it took the call."""


class Helper:
    """Manages the process, and passes it one call at a time; for threads, never the event loop."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = 0

    def call(
        self,
        work: Callable[Arguments, Result],
        *arguments: Arguments.args,
        **named: Arguments.kwargs,
    ) -> Result:
        """Call a function in the process; return its result, or raise its error.

        Raises
        ------
        NoHelperError
            No process is running and none can be started, or it cannot take this call.
        UnavailableError
            The call takes too long or too much memory, or the server is shutting down.
        """
        return self._called(work, lambda: arguments, named)

    def call_with(
        self, work: Callable[..., Result], arguments: Callable[[], tuple[object, ...]]
    ) -> Result:
        """Do the same with large arguments that are created only when it is their turn.

        Raises
        ------
        NoHelperError
        UnavailableError
        """
        return self._called(work, arguments, {})

    def _called(
        self,
        work: Callable[..., Result],
        arguments: Callable[[], tuple[object, ...]],
        named: dict[str, Any],
    ) -> Result:
        closed = self._closed
        with self._turn:
            message = (work, arguments(), named)
            try:
                result = self._asked(message, closed)
            except _EndedError:
                try:
                    result = self._asked(message, closed)
                except _EndedError:
                    raise NoHelperError from None
        if isinstance(result, _Raised):
            raise result.error
        found: Result = result
        return found

    def close(self) -> None:
        """End the process, with its current and pending calls."""
        self._closed += 1
        self._end()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            # Leaving the context flushes what the process has not taken, which fails.
            with contextlib.suppress(OSError, ValueError), process:
                pass

    def _asked(self, message: object, closed: int) -> Any:  # noqa: ANN401 - whatever was asked for
        if closed != self._closed:
            raise _stopped("the server is shutting down")
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        limit = threading.Timer(SECONDS, process.kill)
        limit.daemon = True
        limit.start()
        try:
            with collector_paused():
                pickle.dump(message, process.stdin, pickle.HIGHEST_PROTOCOL)
            process.stdin.flush()
            is_last = pickle.load(process.stdout)
            result = pickle.load(process.stdout)
        except (OSError, EOFError, ValueError, pickle.UnpicklingError):
            is_over = limit.finished.is_set()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(END_SECONDS)
            self._end()
            if closed != self._closed:
                raise _stopped("the server is shutting down") from None
            if is_over:
                raise _stopped(f"it takes longer than {SECONDS:.0f} s") from None
            if process.returncode == _ENDED:
                raise _EndedError from None
            if process.returncode == _NOT_UNDERSTOOD:
                raise NoHelperError from None
            raise _stopped("it takes too much memory") from None
        except (pickle.PicklingError, RecursionError, TypeError, AttributeError) as error:
            # The message nests too deeply, for example. An incomplete message is useless.
            self._end()
            raise NoHelperError from error
        except BaseException:
            # In any case, half a message may be in the pipe, so no later call may use it.
            self._end()
            raise
        finally:
            limit.cancel()
        if is_last:
            self._end()
        return result

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._end()
        folders = json.dumps(_folders()).encode()
        try:
            self._process = subprocess.Popen(
                # Neither the user's settings nor the folder's files affect this process.
                [sys.executable, "-I", "-W", "ignore", "-c", _BEGIN],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
            assert self._process.stdin is not None
            self._process.stdin.write(folders + b"\n")
        except OSError as error:
            self._end()
            raise NoHelperError from error
        return self._process


helper = Helper()
"""The helper of this server."""


def _folders() -> list[str]:
    """Return the folders that the process adds to the end of its module path.

    The server's own path may contain folders to which agents write: the one in which ``python -m
    jupyter lab`` was started, or one of ``PYTHONPATH``.
    """
    files = (getattr(sys.modules.get(name), "__file__", None) for name in _NEEDED)
    return [os.path.dirname(os.path.dirname(os.path.abspath(file))) for file in files if file]


def _stopped(why: str) -> UnavailableError:
    return UnavailableError(
        f"The server gave up on this: {why}. Ask for less, or let code write what you need to a "
        "file."
    )


@dataclass(frozen=True, slots=True)
class _Raised:
    """A result that stands for an error."""

    error: Exception


# -- in the process --------------------------------------------------------------------------------


def serve() -> None:
    """Serve calls until none come any more."""
    asked, answers = cast("io.BufferedReader", sys.stdin.buffer), _own_output()
    _limit()
    while True:
        idle = threading.Timer(IDLE_SECONDS, os._exit, [_ENDED])
        idle.daemon = True
        idle.start()
        if not asked.peek(1):
            os._exit(_ENDED)
        idle.cancel()
        is_last = _serve_one(asked, answers)
        if is_last:
            os._exit(_ENDED)


def _serve_one(asked: BinaryIO, answers: BinaryIO) -> bool:
    """Serve one call, and return whether it was the last."""
    with collector_paused():
        try:
            work, arguments, named = pickle.load(asked)
        except MemoryError:
            os._exit(_OUT_OF_MEMORY)
        except Exception:
            # The rest of the stream cannot be interpreted.
            os._exit(_NOT_UNDERSTOOD)
        try:
            with contained():
                answer = pickle.dumps(work(*arguments, **named), pickle.HIGHEST_PROTOCOL)
        except MemoryError:
            os._exit(_OUT_OF_MEMORY)
        except Exception as error:
            answer = _pickled(error)
    is_last = _most_memory() > KEPT_BYTES
    pickle.dump(is_last, answers)
    answers.write(answer)
    answers.flush()
    return is_last


def _pickled(error: Exception) -> bytes:
    """Return the answer for an error; not every exception survives pickling."""
    try:
        answer = pickle.dumps(_Raised(error))
        pickle.loads(answer)
    except Exception:
        # A class may define any code for its own pickling.
        return pickle.dumps(_Raised(RuntimeError(f"{type(error).__name__}: {error}")))
    return answer


def _own_output() -> BinaryIO:
    """Return the stream for answers, and redirect all other output to nowhere."""
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    return answers


def _limit() -> None:
    """Lower the priority and limit the memory, if the system supports it."""
    import signal

    # A Ctrl-C in the terminal is for the server, which asks what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        import resource
    except ImportError:
        return
    os.nice(5)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    given = [each for each in (soft, hard) if each != resource.RLIM_INFINITY]
    most = min([MAX_BYTES, *given])
    # macOS does not limit memory.
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))


def _most_memory() -> int:
    """Return the peak memory of this process in bytes; 0 if it is unknown."""
    # On Linux, `getrusage` includes the parent's memory at the fork, but this file does not.
    with contextlib.suppress(OSError, ValueError, IndexError, StopIteration):
        with open("/proc/self/status", encoding="ascii", errors="replace") as status:
            kept = next(line for line in status if line.startswith("VmHWM:"))
        return int(kept.split()[1]) * 1024
    try:
        import resource
    except ImportError:
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
