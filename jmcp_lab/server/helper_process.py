"""A process beside the server, for work that would hold up all threads of the server's own.

Python runs one thread at a time. What goes through millions of values in a thread makes everybody
else wait for the lock again and again, and leaves holes in the server's memory. So outputs of that
size are handed to another process, which begins when it is needed, does one thing after the other,
and ends when nobody has asked for a while or when it has become large. It is an imported function
that is called there, with arguments and a result that can be pickled.
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
"""How long one call may take."""

MOST_BYTES = 3 << 30
"""How much address space the process may take."""

IDLE_SECONDS = 60.0
"""It ends when nobody has asked for so long."""

END_SECONDS = 5.0
"""How long it may take to end once it does not answer any more."""

KEPT_BYTES = 300_000_000
"""It ends after a call for which it needed more memory: it would keep most of it."""

_BEGIN = """
import json, os, sys
try:
    sys.path += json.loads(sys.stdin.buffer.readline())
    from jmcp_lab.helper import serve
except BaseException:  # whatever it is, the server does the work itself then
    os._exit(3)
serve()
"""

_ENDED, _NOT_UNDERSTOOD, _OUT_OF_MEMORY = 0, 3, 4
"""What the process ends with. Whatever else it is, the system ended it."""

_NEEDED = ("jmcp_lab", "PIL")
"""What the process imports that may lie where it does not look by itself."""

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class NoHelperError(Exception):
    """The process cannot be started here, or cannot be handed this."""


class _EndedError(Exception):
    """The process ended of itself before it took the call."""


class Helper:
    """Keeps the process, and hands it one call at a time; for threads, never on the event loop."""

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
        """Return what a function returns, or raise what it raises, in the process.

        Raises
        ------
        NoHelperError
            There is no process and none can be started, or it cannot be asked for this.
        UnavailableError
            It takes too long or too much memory, or the server ends.
        """
        return self._called(work, lambda: arguments, named)

    def call_with(
        self, work: Callable[..., Result], arguments: Callable[[], tuple[object, ...]]
    ) -> Result:
        """Do the same with arguments that are so large that they are taken once it is their turn.

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
        """End the process, and with it what it does and was to do."""
        self._closed += 1
        self._end()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            # What it has not taken is still to be written, which fails.
            with contextlib.suppress(OSError, ValueError), process:
                pass

    def _asked(self, message: object, closed: int) -> Any:  # noqa: ANN401 - whatever was asked for
        if closed != self._closed:
            raise _stopped("the server is about to end")
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
                raise _stopped("the server is about to end") from None
            if is_over:
                raise _stopped(f"it takes longer than {SECONDS:.0f} s") from None
            if process.returncode == _ENDED:
                raise _EndedError from None
            if process.returncode == _NOT_UNDERSTOOD:
                raise NoHelperError from None
            raise _stopped("it takes too much memory") from None
        except (pickle.PicklingError, RecursionError, TypeError, AttributeError) as error:
            # What nests too deeply, say. Half a message is none.
            self._end()
            raise NoHelperError from error
        except BaseException:
            # Whatever it is, half a message may be in the pipe: no later call may use it.
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
                # Neither the user's settings nor the folder's files have a part in it.
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
"""The one of this server."""


def _folders() -> list[str]:
    """Return where the process looks for modules after all that it knows by itself.

    The server may look for its own also where agents write: in the folder in which ``python -m
    jupyter lab`` was started, or in one of ``PYTHONPATH``.
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
    """Stands for a result where there is none."""

    error: Exception


# -- in the process --------------------------------------------------------------------------------


def serve() -> None:
    """Do what is asked, until nobody asks any more."""
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
    """Answer one call, and return whether it was the last."""
    with collector_paused():
        try:
            work, arguments, named = pickle.load(asked)
        except MemoryError:
            os._exit(_OUT_OF_MEMORY)
        except Exception:
            # Nothing is known of the rest.
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
    """Return the answer that something was raised; not each exception can be pickled and back."""
    try:
        answer = pickle.dumps(_Raised(error))
        pickle.loads(answer)
    except Exception:
        # How an exception is pickled is for its class, which may do anything.
        return pickle.dumps(_Raised(RuntimeError(f"{type(error).__name__}: {error}")))
    return answer


def _own_output() -> BinaryIO:
    """Return where the answers go; whatever else is printed goes nowhere."""
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    return answers


def _limit() -> None:
    """Let the server go first, and bound the memory, where the system can."""
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
    most = min([MOST_BYTES, *given])
    # macOS does not limit memory.
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))


def _most_memory() -> int:
    """Return the most bytes that this process has had in memory; 0 where nobody knows."""
    # Linux counts what its parent had when it began for what it had itself, but not here.
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
