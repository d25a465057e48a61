"""Search texts for matching lines, within a time limit and off the event loop.

Plain text is searched in a thread, in pieces. A regular expression runs in a separate process,
which can be killed whatever it does.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from ..errors import InvalidArgumentError, UnavailableError
from ..server.heavy_work import alone
from . import matching

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

MAX_QUERY = 1000

SECONDS = 3.0
"""Maximum seconds of one search."""

MAX_BYTES = 1 << 30
"""Maximum memory of a search for a regular expression."""

PIECE = 1_000_000
"""Number of characters encoded as JSON at once; with escapes, they may take six times as much."""

MAX_HITS = 1000
"""Maximum number of hits that are counted."""

MAX_AT_ONCE = 2
"""Maximum number of concurrent searches of all agents; the others wait."""

WAIT_SECONDS = 30.0
"""Maximum seconds that a search waits for its turn and its end."""

_pool = ThreadPoolExecutor(MAX_AT_ONCE, thread_name_prefix="jmcp search")


@dataclass(frozen=True, slots=True)
class Query:
    """The text to search for; plain text ignores case."""

    text: str
    is_regex: bool = False

    def check(self) -> None:
        """Check that the query is valid.

        Raises
        ------
        InvalidArgumentError
            It is empty or too long.
        """
        if not self.text:
            raise InvalidArgumentError("'query' is empty. Give the text to search for.")
        if len(self.text) > MAX_QUERY:
            raise InvalidArgumentError(f"'query' is longer than {MAX_QUERY} characters.")


@dataclass(frozen=True, slots=True)
class Passage:
    """A text to search.

    Parameters
    ----------
    cell_id : str
    output : int
        The number of the output, from 1; 0 for the cell's source.
    text : Callable
        Returns the text. It is called off the event loop, because it may take long, and its time
        does not count towards the search's limit.
    """

    cell_id: str
    output: int
    text: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Hit:
    """A matching line.

    Parameters
    ----------
    cell_id : str
    output : int
        As in the passage.
    line : int
        From 1.
    offset : int
        The offset of the line's start in the text.
    words : str
        The line, shortened to the part around the match if it is long.
    """

    cell_id: str
    output: int
    line: int
    offset: int
    words: str


async def search(query: Query, passages: Sequence[Passage], seconds: float = SECONDS) -> list[Hit]:
    """Return the matching lines, at most `MAX_HITS`.

    Raises
    ------
    InvalidArgumentError
        The query is not a valid regular expression.
    UnavailableError
        It takes too long, or too much memory.
    """
    query.check()
    work = _expression if query.is_regex else _plain
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            return await loop.run_in_executor(_pool, work, query.text, passages, seconds)
    except TimeoutError:
        raise UnavailableError(
            "Too many searches are running on this server. Nothing was searched. Try again."
        ) from None


def _hit(passage: Passage, line: matching.Line) -> Hit:
    return Hit(passage.cell_id, passage.output, *line)


def _plain(text: str, passages: Sequence[Passage], seconds: float) -> list[Hit]:
    found = re.compile(re.escape(text), re.IGNORECASE)
    last = time.monotonic() + WAIT_SECONDS
    hits: list[Hit] = []
    try:
        for passage in passages:
            there, begun = passage.text(), time.thread_time()
            if time.monotonic() > last:
                raise TimeoutError
            with alone():
                for line in matching.lines_with(there, found, len(text), begun + seconds):
                    hits.append(_hit(passage, line))
                    if len(hits) >= MAX_HITS:
                        return hits
            seconds -= time.thread_time() - begun
    except TimeoutError:
        raise _too_long("Pass outputs=false if the outputs are huge.") from None
    return hits


def _expression(pattern: str, passages: Sequence[Passage], seconds: float) -> list[Hit]:
    """Search for a regular expression in a separate process."""
    asked = {"pattern": pattern, "most": MAX_HITS, "seconds": seconds, "bytes": MAX_BYTES}
    try:
        child = _start()
    except OSError:
        raise UnavailableError(
            "The server cannot start the process that searches for regular expressions. Leave out "
            "regex=true to search for plain text."
        ) from None
    with _Limit(seconds, child.kill) as limit, child:
        _feed(child, asked, passages, limit)
        assert child.stdout is not None
        said = child.stdout.read()
    if limit.is_over:
        raise _too_long(
            "A regular expression with nested repeats, such as (a+)+, can take forever. Make it "
            "simpler, search for plain text, or pass outputs=false if the outputs are huge.",
        )
    if child.returncode:
        raise UnavailableError(
            "The search was stopped: the regular expression needs too much memory. Make it "
            "simpler, search for plain text, or pass outputs=false if the outputs are huge."
        )
    return _hits(json.loads(said), passages)


class _Limit:
    """Calls a function when the time of the block is up, not counting pauses."""

    def __init__(self, seconds: float, on_end: Callable[[], None]) -> None:
        self._left = seconds
        self._on_end = on_end
        self._timer: threading.Timer | None = None
        self._begun = 0.0
        self.is_over = False

    def __enter__(self) -> Self:
        self._go_on()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Exclude the time of the block from the limit."""
        self._stop()
        try:
            yield
        finally:
            self._go_on()

    def _go_on(self) -> None:
        self._begun = time.monotonic()
        self._timer = threading.Timer(max(self._left, 0), self._end)
        self._timer.start()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._left -= time.monotonic() - self._begun

    def _end(self) -> None:
        self.is_over = True
        self._on_end()


def _start() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        # Neither the user's settings nor the folder's files affect this process.
        [sys.executable, "-I", "-S", "-W", "ignore", matching.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )


def _feed(
    child: subprocess.Popen[bytes], asked: object, passages: Sequence[Passage], limit: _Limit
) -> None:
    assert child.stdin is not None
    try:
        child.stdin.write(json.dumps(asked).encode() + b"\n")
        last = time.monotonic() + WAIT_SECONDS
        for passage in passages:
            with limit.paused():
                text = passage.text()
            if time.monotonic() > last:
                # No call waits for this any more.
                child.kill()
                return
            child.stdin.write(b'"')
            for at in range(0, len(text), PIECE):
                with limit.paused(), alone():
                    piece = json.dumps(text[at : at + PIECE]).encode()
                child.stdin.write(piece[1:-1])
            child.stdin.write(b'"\n')
        child.stdin.close()
    except OSError:
        # The process has found enough or has ended; its answer tells which. `close` flushes the
        # rest of the input, which fails again.
        with suppress(OSError):
            child.stdin.close()


def _hits(said: dict[str, Any], passages: Sequence[Passage]) -> list[Hit]:
    if "invalid" in said:
        raise InvalidArgumentError(
            f"'query' is not a valid regular expression: {said['invalid']}. Leave out regex=true "
            "to search for it as plain text."
        )
    return [_hit(passages[number], (at, start, words)) for number, at, start, words in said["hits"]]


def _too_long(hint: str) -> UnavailableError:
    return UnavailableError(f"The search was stopped because it took too long. {hint}")
