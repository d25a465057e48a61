"""The 30 steps of a data analysis: the aim of each, and the calls that reach it on two servers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

NOTEBOOK = "analysis.ipynb"
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


def _execute(wish: str, *names: str) -> Step:
    cells: Any = [Named(name) for name in names] if len(names) > 1 else Named(names[0])
    return Step(
        wish,
        [("execute_cell", {"cells": cells})],
        [("execute_cell", {"cell_index": Named(name)}) for name in names],
    )


def steps() -> list[Step]:
    """Return the steps of the analysis."""
    parts = (_begin, _clean, _explore, _look_back, _tidy, _conclude)
    return [step for part in parts for step in part()]


def _begin() -> list[Step]:
    """Return the steps that look around and begin a notebook."""
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
    ]


def _clean() -> list[Step]:
    """Return the steps that read the table and mend it."""
    return [
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
    ]


def _explore() -> list[Step]:
    """Return the steps that group, draw, merge and train."""
    return [
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
    ]


def _look_back() -> list[Step]:
    """Return the steps that find something in what is there."""
    return [
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
    ]


def _tidy() -> list[Step]:
    """Return the steps that change cells and run them again."""
    return [
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
    ]


def _conclude() -> list[Step]:
    """Return the steps that end the analysis."""
    return [
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
