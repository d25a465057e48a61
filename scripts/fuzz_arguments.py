"""Call every tool with the worst arguments there are, and see whether the server stays well.

A real server with large notebooks and odd files, an agent that looks and one that edits. Known
bombs come first, then what hypothesis thinks of, for as long as wanted. Meanwhile the server's
event loop is watched from within, its memory from outside, and a page's request is timed.

    python scripts/fuzz_arguments.py --minutes 60 --write
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import random
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "ui-tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent / "fuzzing"))

import psutil
from calls import bombs, drawn, editing
from light_client import LightClient
from mcp.shared._httpx_utils import create_mcp_http_client
from world import NOTEBOOKS, build

from jmcp_lab.calls.call import ToolClass
from jmcp_lab.tools.table import TOOLS
from lab_server import LabServer

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
DOCUMENT = HERE.parent / "docs" / "fuzzing.md"
GOAL = (
    "The goal: the loop is never blocked for more than 250 ms, memory grows by less than 200 MB, "
    "and a page's request takes 100 ms at most."
)
BLOCKED = 0.25
BATCH = 200
WORKERS = {"look": 2, "edit": 1}
PAGE_SECONDS = 0.1
"""Seconds between two polls of a page."""
RELOADED = 100
"""Number of polls of which one is that of a reloaded page, which asks for the whole state."""


@dataclass
class Made:
    """A finished call."""

    at: float
    seconds: float
    mode: str
    tool: str
    arguments: str
    length: int
    words: str


@dataclass
class Watch:
    """Measures the server from outside."""

    server: LabServer
    pages: list[tuple[float, float]] = field(default_factory=list)
    memory: list[tuple[float, float, float]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def page(self) -> None:
        """Time the polls of a page: for changes, or for the whole state after a reload."""
        seq = 0
        while not self.over.wait(PAGE_SECONDS):
            since = 0 if len(self.pages) % RELOADED == 0 else seq
            query = f"since={since}&token={self.server.token}"
            started = time.time()
            connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
            try:
                connection.request("GET", f"{self.server.base_url}jmcp-lab/api/state?{query}")
                answer = connection.getresponse().read()
            except OSError:
                answer = b""
            connection.close()
            self.pages.append((started, time.time() - started))
            if answer:
                seq = json.loads(answer).get("seq", seq)

    def sizes(self) -> None:
        """Measure the memory of the server, and of its child processes except kernels."""
        process = psutil.Process(self.server.pid)
        while not self.over.wait(PAGE_SECONDS):
            children = 0
            for child in process.children(recursive=True):
                try:
                    if "ipykernel" not in " ".join(child.cmdline()):
                        children += child.memory_info().rss
                except psutil.Error:
                    continue
            own = process.memory_info().rss
            self.memory.append((time.time(), own / 1e6, children / 1e6))


async def mint(server: LabServer, mode: str) -> str:
    """Create an agent as the panel does."""
    async with create_mcp_http_client() as client:
        await client.get(f"{server.url}lab", params={"token": server.token})
        await client.get(f"{server.url}lab")
        answer = await client.post(
            f"{server.url}jmcp-lab/api/agents",
            json={"label": f"Fuzzer {mode}", "mode": mode},
            headers={
                "X-XSRFToken": client.cookies.get("_xsrf") or "",
                "Origin": server.url.rstrip("/").removesuffix(server.base_url.rstrip("/")),
                "Sec-Fetch-Site": "same-origin",
            },
        )
        token: str = answer.raise_for_status().json()["token"]
        return token


def names(mode: str) -> list[str]:
    """Return the names of the tools that an agent in a mode calls."""
    reads = [n for n, tool in TOOLS.items() if tool.tool_class in (ToolClass.INFO, ToolClass.READ)]
    return reads if mode == "look" else list(TOOLS)


class Calls:
    """Makes calls in several threads, and records their results."""

    def __init__(self, server: LabServer) -> None:
        self.server = server
        self.made: list[Made] = []
        self._lock = threading.Lock()

    def run(self, mode: str, token: str, calls: Iterator[tuple[str, Any]], end: float) -> None:
        """Make calls one after the other, until none is left or the time is over."""
        client = LightClient(self.server.mcp_url, token)
        while time.time() < end:
            with self._lock:
                call = next(calls, None)
            if call is None:
                break
            tool, arguments = call
            started = time.time()
            try:
                words, _ = client.tried(tool, **arguments)
            except (RuntimeError, ValueError, OSError, http.client.HTTPException) as error:
                words = f"{type(error).__name__}: {error}"
                client.end()
                client = LightClient(self.server.mcp_url, token)
            said = _short(arguments)
            seconds = time.time() - started
            made = Made(started, seconds, mode, tool, said, len(words), words[:200])
            self.made.append(made)
        client.end()


def _short(value: object) -> str:
    """Return a short form of arguments."""
    if isinstance(value, dict):
        return ", ".join(f"{name}={_short(each)}" for name, each in value.items())
    if isinstance(value, list) and len(value) > 3:
        return f"[{_short(value[0])} … {len(value):,} in all]"
    said = json.dumps(value)
    return said if len(said) <= 60 else f"{said[:40]}… ({len(said):,})"


def play(calls: Calls, tokens: dict[str, str], work: dict[str, list[Any]], end: float) -> None:
    """Let all agents make their calls in parallel."""
    threads = []
    for mode, found in work.items():
        left = iter(found)
        for _ in range(WORKERS[mode]):
            arguments = (mode, tokens[mode], left, end)
            threads.append(threading.Thread(target=calls.run, args=arguments, daemon=True))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def report(
    calls: Calls, watch: Watch, beats: list[dict[str, Any]], begun: float, seeds: list[int]
) -> Iterator[str]:
    """Yield the lines of the report."""
    beats = [beat for beat in beats if beat["at"] > begun]
    memory = [each for each in watch.memory if each[0] > begun]
    before = memory[0][1]
    pages = sorted(seconds for at, seconds in watch.pages if at > begun)
    quiet = sorted(seconds for at, seconds in watch.pages if at <= begun) or [0.0]
    made = [call for call in calls.made if call.at > begun]
    blocked = sorted(beats, key=lambda beat: -beat["blocked"])
    minutes = (time.time() - begun) / 60
    yield f"{len(made):,} calls in {minutes:.0f} minutes, seeds {seeds[0]} to {seeds[-1]}."
    yield ""
    yield "| | |"
    yield "|---|---|"
    longest, work = blocked[0] if blocked else {"blocked": 0.0}, [b["work"] for b in beats]
    over = sum(beat["blocked"] > BLOCKED for beat in beats)
    over_work = sum(each > BLOCKED for each in work)
    yield f"| event loop blocked, longest | {longest['blocked'] * 1000:.0f} ms |"
    yield f"| its own CPU time in one stretch, longest | {max(work, default=0) * 1000:.0f} ms |"
    yield f"| blocked for more than {BLOCKED * 1000:.0f} ms | {over} times |"
    yield f"| more than {BLOCKED * 1000:.0f} ms of its own CPU time | {over_work} times |"
    own, programs = max(each[1] for each in memory), max(each[2] for each in memory)
    yield f"| memory at the start, with every notebook opened once | {before:.0f} MB |"
    yield f"| memory, most | + {own - before:.0f} MB |"
    yield f"| memory of programs it starts (without kernels), most | {programs:.0f} MB |"
    yield f"| memory at the end | {memory[-1][1] - before:+.0f} MB |"
    if pages:
        at = [pages[int(len(pages) * share)] * 1000 for share in (0.5, 0.95, 0.99)]
        shares = ", ".join(f"{each:.0f}" for each in [*at, pages[-1] * 1000])
        yield f"| a page's request: median, 95 %, 99 %, longest | {shares} ms |"
        yield f"| the same while nobody calls: median | {quiet[len(quiet) // 2] * 1000:.0f} ms |"
    slowest = max(made, key=lambda call: call.seconds, default=None)
    if slowest:
        yield f"| slowest answer | {slowest.seconds:.1f} s, `{slowest.tool}` |"
        yield f"| longest answer | {max(call.length for call in made):,} characters |"
    yield ""
    yield from _worst(blocked, made)
    yield ""
    yield "Where memory grew most within two seconds, and what was under way:"
    yield ""
    for grown, at, during in _growths(memory, made)[:5]:
        said = "; ".join(f"{call.mode}: {call.tool}({call.arguments})" for call in during[:3])
        yield f"- + {grown:.0f} MB after {at - begun:.0f} s: {_plain(said)}"


def _growths(
    memory: list[tuple[float, float, float]], made: list[Made]
) -> list[tuple[float, float, list[Made]]]:
    """Return the largest growths of memory within two seconds, their times and their calls."""
    steps = round(2 / PAGE_SECONDS)
    found = [(b[1] - a[1], b[0]) for a, b in zip(memory, memory[steps:], strict=False)]
    kept: list[tuple[float, float]] = []
    for grown, at in sorted(found, reverse=True):
        if len(kept) < 5 and all(abs(at - other) > 10 for _, other in kept):
            kept.append((grown, at))
    return [
        (grown, at, [call for call in made if call.at < at and call.at + call.seconds > at - 2])
        for grown, at in kept
    ]


def _worst(blocked: list[dict[str, Any]], made: list[Made]) -> Iterator[str]:
    yield "The ten longest blocks, what was under way, and where the loop was:"
    yield ""
    yield "| blocked | own CPU time | calls | where |"
    yield "|---|---|---|---|"
    for beat in blocked[:10]:
        start = beat["at"] - beat["late"] - 0.05
        during = [call for call in made if call.at < beat["at"] and call.at + call.seconds > start]
        said = "<br>".join(f"{call.mode}: {call.tool}({call.arguments})" for call in during[:3])
        where = "<br>".join(beat["where"])
        yield (
            f"| {beat['blocked'] * 1000:.0f} ms | {beat['work'] * 1000:.0f} ms | "
            f"{_plain(said)} | {_plain(where)} |"
        )
    yield ""
    yield "The ten slowest answers:"
    yield ""
    for call in sorted(made, key=lambda call: -call.seconds)[:10]:
        said = _plain(f"{call.tool}({call.arguments})")
        yield f"- {call.seconds:.1f} s: {call.mode} {said}: {_plain(call.words[:100])}"


def _plain(text: str) -> str:
    """Return text that is escaped for a cell of a Markdown table."""
    text = text.encode("ascii", "backslashreplace").decode().replace("|", "\\|")
    return text.replace("\n", " ").replace("<", "&lt;").replace("&lt;br>", "<br>")


def main() -> None:
    """Fuzz the server, and print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--agents", nargs="+", choices=WORKERS, default=list(WORKERS))
    parser.add_argument("--no-bombs", action="store_true", help="leave out the known bombs")
    parser.add_argument("--write", action="store_true", help=f"write {DOCUMENT.name}")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        beats_file = Path(folder) / "beats"
        os.environ["JMCP_HEARTBEAT"] = str(beats_file)
        paths = [str(HERE / "fuzzing"), str(HERE.parent), os.environ.get("PYTHONPATH", "")]
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        extensions = {"heartbeat": True, "jmcp_lab": True}
        server = LabServer(
            Path(folder), arguments=[f"--ServerApp.jpserver_extensions={extensions}"]
        )
        build(server.root)
        server.start()
        try:
            lines = fuzz(server, beats_file, given)
        finally:
            server.stop()
    print("\n".join(lines))
    if given.write:
        head = (__doc__ or "").strip().split("\n\n")
        parts = ["# The worst arguments", *head, GOAL, "\n".join(lines)]
        DOCUMENT.write_text("\n\n".join(parts) + "\n")


def fuzz(server: LabServer, beats_file: Path, given: argparse.Namespace) -> list[str]:
    """Make the calls, and return the report."""
    tokens = {mode: asyncio.run(mint(server, mode)) for mode in WORKERS}
    calls, watch = Calls(server), Watch(server)
    warm = [("list_cells", {"notebook": notebook}) for notebook in NOTEBOOKS]
    calls.run("look", tokens["look"], iter(warm), time.time() + 600)
    for target in (watch.page, watch.sizes):
        threading.Thread(target=target, daemon=True).start()
    time.sleep(5)
    begun, seeds = time.time(), [given.seed]
    end = begun + given.minutes * 60
    if not given.no_bombs:
        known = {"look": bombs(), "edit": editing()}
        random.Random(given.seed).shuffle(known["look"])
        play(calls, tokens, {mode: known[mode] for mode in given.agents}, end)
    for seed in count(given.seed):
        if time.time() > end:
            break
        seeds.append(seed)
        work = {mode: drawn(seed, BATCH, names(mode)) for mode in given.agents}
        tokens["edit"] = asyncio.run(mint(server, "edit"))
        play(calls, tokens, work, end)
    time.sleep(10)
    watch.over.set()
    beats = [json.loads(line) for line in beats_file.read_text().splitlines()]
    return list(report(calls, watch, beats, begun, seeds))


if __name__ == "__main__":
    main()
