"""Measures what a model would send and read for a data analysis of 30 steps on two servers.

Each step has an aim and the calls that reach it on each server. The benchmark counts characters,
not tokens: those of the tools' names and arguments as JSON, and those of the replies' texts. It
counts the number of images. It counts the list of tools, which a client shows the model on every
turn, separately and only once.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from analysis_steps import Named, Step, steps
from mcp.types import ImageContent, TextContent

if TYPE_CHECKING:
    from pathlib import Path

    import mcp

GOAL = 0.4


@dataclass
class Player:
    """Plays the analysis on one server, and remembers what an agent would remember.

    Parameters
    ----------
    client : mcp.Client
    by_position : bool
        Whether the server names cells by their position, from 0, instead of by their id.
    order : list of str
        Names of the cells, in their order.
    """

    client: mcp.Client
    by_position: bool
    order: list[str] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)

    async def play(self, step: Step) -> dict[str, int]:
        """Make the calls of a step, and return its counts."""
        took = {"sent": 0, "read": 0, "images": 0, "calls": 0, "errors": 0}
        replies = []
        for tool, arguments in step.theirs if self.by_position else step.ours:
            given = {key: self._filled(value) for key, value in arguments.items()}
            result = await self.client.call_tool(tool, given)
            texts = [part.text for part in result.content if isinstance(part, TextContent)]
            replies.append("\n".join(texts))
            took["sent"] += len(tool) + len(json.dumps(given, separators=(",", ":")))
            took["read"] += len(replies[-1])
            took["images"] += sum(isinstance(part, ImageContent) for part in result.content)
            took["errors"] += bool(result.is_error)
            took["calls"] += 1
        self._remember(step, "\n".join(replies))
        return took

    def _filled(self, value: object) -> object:
        if isinstance(value, list):
            return [self._filled(item) for item in value]
        if not isinstance(value, Named):
            return value
        return self.order.index(value.name) if self.by_position else self.ids[value.name]

    def _remember(self, step: Step, reply: str) -> None:
        self.order += step.adds
        if not self.by_position and step.adds:
            found = re.findall(r"\bid (\w+)", reply)
            self.ids.update(zip(step.adds, found, strict=False))
        if step.wish == "drop the training":
            self.order.remove("train")

    async def tools(self) -> int:
        """Return the number of characters of the list of tools."""
        listed = await self.client.list_tools()
        tools = [
            tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in listed.tools
        ]
        return len(json.dumps(tools, separators=(",", ":"), ensure_ascii=False))


async def played(client: mcp.Client, *, by_position: bool) -> dict[str, Any]:
    """Play the whole analysis on a server."""
    # A new notebook starts with a cell: an empty one here, one with text on the other server.
    player = Player(client, by_position, ["first"])
    each = [{"step": step.wish, **(await player.play(step))} for step in steps()]
    total = {key: sum(one[key] for one in each) for key in each[0] if key != "step"}
    return {"tools_list": await player.tools(), **total, "steps": each}


def compared(ours: dict[str, Any], theirs: dict[str, Any] | None) -> dict[str, Any]:
    """Return the counts of both servers, and the ratios of ours to theirs."""
    if theirs is None:
        return {"jmcp_lab": ours, "note": "give --peer to compare"}

    def both(play: dict[str, Any]) -> int:
        return int(play["sent"] + play["read"])

    return {
        "jmcp_lab": ours,
        "peer": theirs,
        "ratio_sent_and_read": round(both(ours) / both(theirs), 2),
        "ratio_sent": round(ours["sent"] / theirs["sent"], 2),
        "ratio_read": round(ours["read"] / theirs["read"], 2),
        "ratio_tools_list": round(ours["tools_list"] / theirs["tools_list"], 2),
        "goal": GOAL,
    }


def write_data(root: Path) -> None:
    """Write the tables for the analysis: 2,000 customers, 5 regions."""
    data = root / "data"
    data.mkdir(parents=True, exist_ok=True)
    plans, regions = ("basic", "plus", "pro"), ("north", "south", "east", "west", "centre")
    rows = ["customer,signup,region,plan,age,visits,spend,discount,support_calls,churned"]
    for n in range(2000):
        age = "" if n % 17 == 0 else str(18 + n * 7 % 60)
        rows.append(
            f"C{n:05},2025-{n % 12 + 1:02}-{n % 28 + 1:02},{regions[n * 3 % 5]},"
            f"{plans[n * 5 % 3]},{age},{n * 11 % 40},{n * 37 % 900 + n % 3 * 120}.5,"
            f"{n % 4 * 5},{n % 6},{int(n % 7 == 0)}"
        )
    (data / "customers.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    managers = ("Ada", "Grace", "Edsger", "Barbara", "Alan")
    lines = [f"{region},{name}" for region, name in zip(regions, managers, strict=True)]
    (data / "regions.csv").write_text(
        "region,manager\n" + "\n".join(lines) + "\n", encoding="utf-8"
    )
