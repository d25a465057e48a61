"""Write the tables that are generated from the code into README.md and docs/, and the offer.

The offer is what `jmcp-lab stdio` says before a server has answered.

Each table is between its markers. `python scripts/update_readme.py` needs Node.js and
`jlpm install`, because the client snippets are TypeScript. `tests/test_docs.py` checks that the
tables are up to date.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import tomllib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from jmcp_lab.agents.modes import DEFAULT, MODES, Mode, Verdict
from jmcp_lab.calls.call import Action, Target, ToolClass
from jmcp_lab.cli import tools_table
from jmcp_lab.extension import JmcpLab
from jmcp_lab.mcp.sdk_server import offer
from jmcp_lab.permissions.policy import Subject, decide
from jmcp_lab.stdio.offer import OFFER

ROOT = Path(__file__).parents[1]

NOW = datetime(2026, 1, 1, tzinfo=UTC)

COLUMNS: dict[str, tuple[str, list[Action]]] = {
    "reads, looks": ("yes", [Action("", ToolClass.READ, "")]),
    "edits": ("at once", [Action("", ToolClass.EDIT, "")]),
    "runs code": ("yes", [Action("", ToolClass.RUN, "")]),
    "restarts a kernel, overwrites a file": (
        "yes",
        # A restart loses all variables, so its tool lets no grant and no mode cover it.
        [Action("", ToolClass.KERNEL, "", guarded="restart"), Action("", ToolClass.FILE, "")],
    ),
}
"""Columns of the table of modes: each one's word for a yes, and the actions that it stands for."""


def settings_table() -> str:
    """Return the table of settings."""
    lines = ["| setting | default | meaning |", "| --- | --- | --- |"]
    for name, trait in JmcpLab.class_own_traits(config=True).items():
        lines.append(f"| `JmcpLab.{name}` | `{trait.default_value}` | {trait.help} |")
    return "\n".join(lines) + "\n"


def modes_table() -> str:
    """Return the table of modes, computed by the policy."""
    lines = [f"| mode | {' | '.join(COLUMNS)} |", f"| --- |{' --- |' * len(COLUMNS)}"]
    for mode in MODES.values():
        name = f"**{mode.label}**" if mode == DEFAULT else mode.label
        words = [_ruled(mode, yes, actions) for yes, actions in COLUMNS.values()]
        lines.append(f"| {name} | {' | '.join(words)} |")
    return "\n".join(lines) + "\n"


def _ruled(mode: Mode, yes: str, actions: list[Action]) -> str:
    """Return what a mode allows in chosen notebooks, after its end, and elsewhere."""
    words = {Verdict.ALLOW: yes, Verdict.ASK: "asks", Verdict.DENY: "no"}

    def said(path: str, end: timedelta) -> str:
        # Only mode `auto` needs chosen notebooks; the others have no such choice here.
        chosen = ("chosen.ipynb",) if mode.only_chosen else ()
        subject = Subject("a", mode, notebooks=chosen, until=NOW + end)
        ruled = {decide(subject, _at(action, path), (), NOW).verdict for action in actions}
        (verdict,) = ruled
        return words[verdict]

    inside = said("chosen.ipynb", timedelta(hours=1))
    after = said("chosen.ipynb", -timedelta(hours=1))
    elsewhere = said("other.ipynb", timedelta(hours=1))
    if inside == after == elsewhere:
        return inside
    there = "there" if inside == "yes" else f"there {inside}"
    return f"{there}{', until the time you choose' * (after != inside)}; {elsewhere} elsewhere"


def _at(action: Action, path: str) -> Action:
    return replace(action, target=Target(path=path))


def packages_table() -> str:
    """Return the table of the Python packages, each with the first line of its docstring."""
    lines = ["| folder | what it is |", "| --- | --- |"]
    for file in sorted((ROOT / "jmcp_lab").rglob("__init__.py")):
        if "node_modules" in file.parts:
            continue
        words = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
        first = words.split("\n\n")[0].replace("\n", " ")
        lines.append(f"| `{file.parent.relative_to(ROOT).as_posix()}/` | {first} |")
    return "\n".join(lines) + "\n"


def layers_list() -> str:
    """Return the layers of the packages, the topmost first."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    return "\n".join(f"1. {_code(layer)}" for layer in layers) + "\n"


def _code(layer: str) -> str:
    return ", ".join(f"`{name.strip()}`" for name in layer.split("|"))


def client_snippets() -> str:
    """Return a section for each client in src/panel/clients.ts."""
    node = ["node", str(ROOT / "scripts" / "client_snippets.mjs")]
    ended = subprocess.run(node, check=False, capture_output=True, encoding="utf-8")
    if ended.returncode:
        raise SystemExit(f"The table of clients was not written: {ended.stderr.strip()[-500:]}")
    return ended.stdout


TABLES: list[tuple[str, str, Callable[[], str]]] = [
    ("README.md", "modes", modes_table),
    ("README.md", "tools", tools_table),
    ("README.md", "settings", settings_table),
    ("docs/architecture.md", "packages", packages_table),
    ("docs/architecture.md", "layers", layers_list),
    ("docs/connect.md", "clients", client_snippets),
]


def _markers(name: str) -> re.Pattern[str]:
    return re.compile(rf"(<!-- {name}:[^>]*-->\n)(.*?)(<!-- /{name} -->)", re.DOTALL)


def written(text: str, name: str) -> str:
    """Return the text between the markers with that name."""
    (found,) = _markers(name).findall(text)
    return str(found[1]).strip() + "\n"


def between(text: str, name: str, table: str) -> str:
    """Return `text` with a table between the markers with that name."""
    result, found = _markers(name).subn(
        lambda marked: f"{marked[1]}\n{table.strip()}\n\n{marked[3]}", text
    )
    assert found == 1, f"there is no place for the table of {name}"
    return result


if __name__ == "__main__":
    OFFER.write_text(json.dumps(offer(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for file, name, table in TABLES:
        path = ROOT / file
        text = path.read_text(encoding="utf-8")
        path.write_text(between(text, name, table()), encoding="utf-8")
