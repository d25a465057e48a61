"""Measures the memory and the start time that the extension adds to a plain JupyterLab server."""

from __future__ import annotations

import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from statistics import median

from setting import LIMIT, lab_server
from timing import Figures

from lab_server import LabServer

SETTLE_SECONDS = 3.0
"""Seconds after the start until the memory of the server is stable."""

COLLABORATION = ("jupyter_server_ydoc", "jupyter_server_fileid")
"""Server extensions that jmcp_lab depends on and that a plain JupyterLab does not have."""


def cost(rounds: int) -> Figures:
    """Start servers with and without the extension in turns, and compare them."""
    kinds: dict[str, dict[str, bool]] = {
        "plain": dict.fromkeys(("jmcp_lab", *COLLABORATION), False),
        "collaboration": {"jmcp_lab": False},
        "jmcp_lab": {"jmcp_lab": True},
    }
    found: dict[str, list[dict[str, float]]] = {kind: [] for kind in kinds}
    for turn in range(1 + rounds):
        for kind, extensions in kinds.items():
            one = started(extensions, door=kind == "jmcp_lab")
            if turn:
                found[kind].append(one)
    middle = {
        kind: {name: round(median(one[name] for one in each), 2) for name in each[0]}
        for kind, each in found.items()
    }
    ours, plain, shared = middle["jmcp_lab"], middle["plain"], middle["collaboration"]
    return {
        **middle,
        "starts": rounds,
        "added_mb": round(ours["memory_mb"] - plain["memory_mb"], 1),
        "added_start_s": round(ours["start_s"] - plain["start_s"], 2),
        "added_until_agents_s": round(ours["agents_s"] - plain["start_s"], 2),
        "of_it_collaboration_mb": round(shared["memory_mb"] - plain["memory_mb"], 1),
        "of_it_collaboration_s": round(shared["start_s"] - plain["start_s"], 2),
    }


def started(extensions: dict[str, bool], *, door: bool) -> dict[str, float]:
    """Start a server once; return the seconds until it answers, and its memory soon after."""
    with tempfile.TemporaryDirectory(prefix="jmcp-lab-benchmark-") as folder:
        server = lab_server(Path(folder), extensions=extensions)
        begun = time.monotonic()
        server.spawn()
        try:
            start = _answered(f"{server.url}api/status?token={server.token}", 200, begun)
            found = {"start_s": start}
            if door:
                # Once the endpoint is open, it answers 401 without a token.
                found["agents_s"] = _answered(server.mcp_url, 401, begun)
            time.sleep(SETTLE_SECONDS)
            return found | {"memory_mb": memory_mb(server)}
        finally:
            server.stop()


def _answered(url: str, status: int, begun: float) -> float:
    while time.monotonic() - begun < LIMIT:
        try:
            with urllib.request.urlopen(url, timeout=LIMIT) as answer:
                found = answer.status
        except urllib.error.HTTPError as error:
            found = error.code
        except OSError:
            found = None
        if found == status:
            return time.monotonic() - begun
        time.sleep(0.005)
    raise RuntimeError(f"no answer {status} from {url}")


def memory_mb(server: LabServer) -> float:
    """Return the resident memory of a server without its kernels, in MiB."""
    asked = ["ps", "-o", "rss=", "-p", str(server.pid)]
    return round(int(subprocess.check_output(asked)) / 1024, 2)
