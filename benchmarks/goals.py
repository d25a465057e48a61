"""Defines the goal for each figure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Value = Callable[[dict[str, Any]], float]

EDITS = ("insert_cell", "edit_cell", "overwrite_cell_source", "move_cell", "delete_cell")


LIST = "list_cells"


@dataclass(frozen=True)
class Goal:
    """One figure and its bound.

    Parameters
    ----------
    name : str
        Description of the figure.
    bound : float
    value : Callable
        Returns the figure out of all figures; raises KeyError if it was not measured.
    at_least : bool, optional
        Whether the bound is a lower bound.
    """

    name: str
    bound: float
    value: Value
    at_least: bool = False

    def judged(self, figures: dict[str, Any]) -> dict[str, Any]:
        """Return the figure and its goal; `met` is None if the figure was not measured."""
        goal = f"{'>=' if self.at_least else '<='} {self.bound}"
        try:
            value = self.value(figures)
        except KeyError:
            return {"figure": self.name, "value": None, "goal": goal, "met": None}
        met = value >= self.bound if self.at_least else value <= self.bound
        return {"figure": self.name, "value": value, "goal": goal, "met": met}


def _at(*keys: str) -> Value:
    def value(figures: dict[str, Any]) -> float:
        found: Any = figures
        for key in keys:
            found = found[key]
        return float(found)

    return value


def _worst_growth(figures: dict[str, Any]) -> float:
    return float(max(figures["scale"]["ratio_largest_to_smallest"].values()))


def _longest_stretch(figures: dict[str, Any]) -> float:
    largest = str(max(int(size) for size in figures["scale"] if size.isdigit()))
    return float(max(each["loop_work_ms"] for each in figures["scale"][largest].values()))


GOALS = [
    *(
        Goal(f"{tool}, most cells / fewest", 1.5, _at("edits", "ratio_largest_to_smallest", tool))
        for tool in EDITS
    ),
    *(
        Goal(f"{tool} at 1000 cells / no-op", 1.5, _at("edits", "1000", tool, "ratio_to_no_op"))
        for tool in ("insert_cell", "overwrite_cell_source")
    ),
    *(
        Goal(f"{tool} at 5000 cells / no-op", 2.0, _at("edits", "5000", tool, "ratio_to_no_op"))
        for tool in ("list_cells", "read_cell")
    ),
    Goal("4000 cells / 500, CPU time, the worst operation", 10.0, _worst_growth),
    Goal("4000 cells, loop at work in one stretch, ms", 250.0, _longest_stretch),
    Goal("insert_cell / peer", 0.1, _at("peer", "ratio_to_peer", "insert_cell")),
    Goal(
        "overwrite_cell_source / peer", 0.3, _at("peer", "ratio_to_peer", "overwrite_cell_source")
    ),
    Goal("edit to DOM / in-process", 1.5, _at("page", "ratio_to_in_process")),
    Goal("edit to DOM, p95 in ms", 50.0, _at("page", "call_to_dom", "p95_ms")),
    Goal("list_cells, most cells / fewest", 2.0, _at("edits", "ratio_largest_to_smallest", LIST)),
    Goal("calls a second / bare SDK", 0.6, _at("crowd", "ratio_to_bare_sdk"), at_least=True),
    Goal(
        "calls a second / one agent's times cores",
        0.6,
        _at("crowd", "ratio_to_one_agent_times_cores"),
        at_least=True,
    ),
    Goal("memory added, MB", 45.0, _at("cost", "added_mb")),
    Goal("start time added, s", 0.6, _at("cost", "added_start_s")),
    Goal("time until agents are served added, s", 1.0, _at("cost", "added_until_agents_s")),
    Goal("characters of the analysis / peer", 0.4, _at("analysis", "ratio_sent_and_read")),
    Goal("memory after 1000 runs added, MB", 2.0, _at("memory", "grown_mb")),
    Goal("memory growth of edits, %", 2.0, _at("endurance", "growth_in_last_half_percent")),
    Goal("memory growth of runs, %", 2.0, _at("run_endurance", "growth_in_last_half_percent")),
    Goal(
        "execute_cell / kernel client + no-op",
        1.3,
        _at("execution", "ratio_to_kernel_client_plus_no_op"),
    ),
    Goal("execute_cell / peer", 0.12, _at("peer_execution", "ratio_to_peer")),
    Goal("10,000 prints / kernel client", 1.2, _at("output", "flood", "ratio_to_kernel_client")),
    Goal(
        "page done after the kernel, ms",
        500.0,
        _at("output", "flood", "page_after_kernel_ms", "p95_ms"),
    ),
    Goal(
        "10,000 prints, loop blocked in ms",
        100.0,
        _at("output", "flood", "loop_blocked_ms", "p95_ms"),
    ),
    Goal("first output / by hand", 1.2, _at("output", "first_output", "ratio_to_by_hand")),
    Goal(
        "5 MB image, loop blocked in ms", 50.0, _at("output", "image", "loop_blocked_ms", "p95_ms")
    ),
    Goal("5 MB image, loop at work in ms", 50.0, _at("output", "image", "loop_work_ms", "p95_ms")),
    Goal("16 kernels / their own slowdown", 1.2, _at("kernels", "ratio_to_own_slowdown")),
]
