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

from mcp.types import ImageContent, TextContent

if TYPE_CHECKING:
    from pathlib import Path

    import mcp

NOTEBOOK = "analysis.ipynb"
GOAL = 0.4

Call = tuple[str, dict[str, Any]]

LOAD = "import pandas as pd\n\ndf = pd.read_csv('data/customers.csv')\ndf.head()"
CLEAN = (
    "df['signup'] = pd.to_datetime(df['signup_date'])\n"
    "df['age'] = df['age'].fillna(df['age'].median())\ndf.isna().sum()"
)
BY_PLAN = "by_plan = df.groupby('plan')['spend'].agg(['mean', 'median', 'count'])\nby_plan"
PIVOT = "pivot = df.pivot_table(index='region', columns='plan', values='spend')\npivot.round(1)"
PLOT = (
    "import matplotlib.pyplot as plt\n\nfig, ax = plt.subplots(figsize=(6, 4))\n"
    "by_plan['mean'].plot.bar(ax=ax)\nplt.show()"
)
LABELLED = PLOT.replace("\nplt.show()", "\nax.set_ylabel('mean spend')\nplt.show()")
MERGE = (
    "regions = pd.read_csv('data/regions.csv')\n"
    "merged = df.merge(regions, on='region', how='left', validate='many_to_one')\nmerged.tail(8)"
)
TRAIN = (
    "import sys, random\nrandom.seed(1)\nloss = 1.0\nfor epoch in range(1, 201):\n"
    "    loss *= 0.985 + random.random() / 100\n"
    "    sys.stdout.write(f'\\repoch {epoch:3d}/200 [{\"#\" * (epoch // 10):<20}] {loss:.4f}')\n"
    "    if epoch % 20 == 0:\n        print(f'\\nvalidation {loss * 1.1:.4f}')"
)
RATE = "churn = merged.groupby('manager')['churned'].mean().sort_values()\nchurn"
CONCLUSION = "## Findings\n\nSpend follows the plan, churn follows the region's manager."


@dataclass(frozen=True)
class Named:
    """Placeholder for a cell in an argument; a call replaces it by the cell's id or position."""

    name: str


@dataclass
class Step:
    """An aim of an agent, and the calls that reach it.

    Parameters
    ----------
    wish : str
    ours, theirs : list of Call
    adds : tuple of str
        Names of the cells that the step appends to the notebook.
    """

    wish: str
    ours: list[Call]
    theirs: list[Call]
    adds: tuple[str, ...] = ()


def _both(wish: str, tool: str, arguments: dict[str, Any], theirs: dict[str, Any]) -> Step:
    return Step(wish, [(tool, arguments)], [(tool, theirs)])


def _run_new(name: str, source: str) -> Step:
    """Return a step that appends a code cell and runs it."""
    return Step(
        f"add and run: {name}",
        [("insert_execute_code_cell", {"source": source})],
        [("insert_execute_code_cell", {"cell_index": -1, "cell_source": source})],
        adds=(name,),
    )


def _insert(kind: str, source: str) -> Call:
    return "insert_cell", {"cell_index": -1, "cell_type": kind, "cell_source": source}


def _code(code: str) -> Call:
    return "execute_code", {"code": code}


CODE_CELLS = ("load", "describe", "missing", "clean", "by_plan", "pivot", "plot", "merge", "rate")


def steps() -> list[Step]:
    """Return the steps of the analysis."""
    return [
        Step("see where I am", [("get_context", {})], [("list_notebooks", {})]),
        _both("see the data", "list_files", {"path": "data"}, {"path": "data"}),
        _both(
            "make a notebook",
            "use_notebook",
            {"notebook": NOTEBOOK, "create": True},
            {"notebook_name": "analysis", "notebook_path": NOTEBOOK, "mode": "create"},
        ),
        Step(
            "peek at the raw file",
            [("read_file", {"path": "data/customers.csv", "limit": 5})],
            [_code("print(*open('data/customers.csv').readlines()[:5])")],
        ),
        Step(
            "add a title",
            [("insert_cell", {"source": "# Customers", "type": "markdown"})],
            [_insert("markdown", "# Customers")],
            adds=("title",),
        ),
        _run_new("load", LOAD),
        Step(
            "know the table",
            [("inspect_variables", {"names": "df"})],
            [_code("df.info()")],
        ),
        _run_new("describe", "df.describe()"),
        _run_new("missing", "df.isna().sum()"),
        _run_new("clean", CLEAN),
        Step(
            "mend the wrong column",
            [
                (
                    "edit_cell",
                    {
                        "cell": Named("clean"),
                        "edits": [{"old": "df['signup_date']", "new": "df['signup']"}],
                    },
                )
            ],
            [
                (
                    "edit_cell_source",
                    {
                        "cell_index": Named("clean"),
                        "old_string": "df['signup_date']",
                        "new_string": "df['signup']",
                    },
                )
            ],
        ),
        _execute("run it again", "clean"),
        Step(
            "add three cells",
            [
                (
                    "insert_cell",
                    {
                        "cells": [
                            {"source": "## Spend", "type": "markdown"},
                            {"source": BY_PLAN},
                            {"source": PIVOT},
                        ]
                    },
                )
            ],
            [_insert("markdown", "## Spend"), _insert("code", BY_PLAN), _insert("code", PIVOT)],
            adds=("spend", "by_plan", "pivot"),
        ),
        _execute("run both", "by_plan", "pivot"),
        _run_new("plot", PLOT),
        Step(
            "read how merge works",
            [("inspect_code", {"code": "df.merge"})],
            [_code("help(df.merge)")],
        ),
        _run_new("merge", MERGE),
        _run_new("train", TRAIN),
        _run_new("rate", RATE),
        Step("see all variables", [("inspect_variables", {})], [_code("%whos")]),
        Step(
            "see the whole notebook",
            [("list_cells", {})],
            [("read_notebook", {"notebook_name": "analysis", "limit": 0})],
        ),
        Step(
            "find where churn is used",
            [("search_notebook", {"query": "churn"})],
            [
                (
                    "read_notebook",
                    {"notebook_name": "analysis", "response_format": "detailed", "limit": 0},
                )
            ],
        ),
        _both(
            "read the plot's cell",
            "read_cell",
            {"cell": Named("plot"), "outputs": False},
            {"cell_index": Named("plot"), "include_outputs": False},
        ),
        _both(
            "label the plot",
            "overwrite_cell_source",
            {"cell": Named("plot"), "source": LABELLED},
            {"cell_index": Named("plot"), "cell_source": LABELLED},
        ),
        _execute("draw it again", "plot"),
        Step(
            "forget the training log",
            [("clear_outputs", {"cells": Named("train")})],
            [("clear_cell_output", {"cell_index": Named("train")})],
        ),
        _both(
            "drop the training",
            "delete_cell",
            {"cells": Named("train")},
            {"cell_indices": [Named("train")], "include_source": False},
        ),
        Step(
            "read the results again",
            [("read_cells", {"cells": [Named("by_plan"), Named("pivot"), Named("rate")]})],
            [("read_cell", {"cell_index": Named(n)}) for n in ("by_plan", "pivot", "rate")],
        ),
        Step(
            "write the findings",
            [("insert_cell", {"source": CONCLUSION, "type": "markdown"})],
            [_insert("markdown", CONCLUSION)],
            adds=("findings",),
        ),
        Step(
            "run all once more",
            [("execute_cell", {"all": True})],
            [("execute_cell", {"cell_index": Named(name)}) for name in CODE_CELLS],
        ),
    ]


def _execute(wish: str, *names: str) -> Step:
    cells: Any = [Named(name) for name in names] if len(names) > 1 else Named(names[0])
    return Step(
        wish,
        [("execute_cell", {"cells": cells})],
        [("execute_cell", {"cell_index": Named(name)}) for name in names],
    )


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
