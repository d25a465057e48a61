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

from .collector import collector_paused
from .errors import UnavailableError

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
    sys.path[:] = json.loads(sys.stdin.buffer.readline())
    from jmcp_lab.helper import serve
except BaseException:
    os._exit(3)
serve()
"""

_ENDED, _OUT_OF_MEMORY, _NOT_UNDERSTOOD = 0, 1, 3
"""What the process ends with. Whatever else it is, the system ended it."""

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class NoHelperError(Exception):
    """The process cannot be started here."""


class _EndedError(Exception):
    """The process ended of itself before it took the call."""


class Helper:
    """Keeps the process, and hands it one call at a time; for threads, never on the event loop."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

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
            There is no process, and none can be started.
        UnavailableError
            It takes too long, or too much memory.
        """
        message = (work, arguments, named)
        with self._turn:
            try:
                result = self._asked(message)
            except _EndedError:
                try:
                    result = self._asked(message)
                except _EndedError:
                    raise NoHelperError from None
        if isinstance(result, _Raised):
            raise result.error
        found: Result = result
        return found

    def close(self) -> None:
        """End the process, and with it what it does."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            # What it has not taken is still to be written, which fails.
            with contextlib.suppress(OSError), process:
                pass

    def _asked(self, message: object) -> Any:  # noqa: ANN401 - whatever was asked for
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
            result, is_last = pickle.load(process.stdout)
        except (OSError, EOFError, pickle.UnpicklingError):
            is_over = limit.finished.is_set()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(END_SECONDS)
            self.close()
            if process.returncode == _ENDED:
                raise _EndedError from None
            if process.returncode == _NOT_UNDERSTOOD:
                raise NoHelperError from None
            raise _stopped(is_over=is_over) from None
        except BaseException:
            # Half a message is none.
            self.close()
            raise
        finally:
            limit.cancel()
        if is_last:
            self.close()
        return result

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.close()
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
            self._process.stdin.write(json.dumps(_folders()).encode() + b"\n")
        except OSError as error:
            raise NoHelperError from error
        return self._process


helper = Helper()
"""The one of this server."""


def _folders() -> list[str]:
    """Return where the process looks for modules.

    Not first in the folder that the server runs in, as ``python -m jupyter lab`` has it: what
    agents write is there.
    """
    here = os.getcwd()
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return [*(each for each in sys.path if os.path.isabs(each) and each != here), package]


def _stopped(*, is_over: bool) -> UnavailableError:
    why = f"it takes longer than {SECONDS:.0f} s" if is_over else "it takes too much memory"
    return UnavailableError(
        f"The server gave up on this: {why}. Ask for less: one output, without images, or let "
        "code write what you need to a file."
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
        idle = threading.Timer(IDLE_SECONDS, os._exit, [0])
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
    result: object
    with collector_paused():
        try:
            work, arguments, named = pickle.load(asked)
        except MemoryError:
            os._exit(_OUT_OF_MEMORY)
        except Exception:
            # Nothing is known of the rest.
            os._exit(_NOT_UNDERSTOOD)
        try:
            result = work(*arguments, **named)
        except MemoryError:
            os._exit(_OUT_OF_MEMORY)
        except Exception as error:
            result = _Raised(error)
    is_last = _most_memory() > KEPT_BYTES
    pickle.dump((result, is_last), answers, pickle.HIGHEST_PROTOCOL)
    answers.flush()
    return is_last


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
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    most = MOST_BYTES if hard == resource.RLIM_INFINITY else min(MOST_BYTES, hard)
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
