"""Write the tables of modes, tools and settings into the README, between their markers."""

from __future__ import annotations

import re
from pathlib import Path

from jmcp_lab.agents.modes import DEFAULT, MODES, ActionKind, Mode, Verdict
from jmcp_lab.cli import tools_table
from jmcp_lab.extension import JmcpLab

README = Path(__file__).parent.parent / "README.md"


def modes_table() -> str:
    """Return the table of modes as the README has it."""
    lines = [
        "| mode | reads, looks | edits | runs code | restarts a kernel, overwrites a file |",
        "| --- | --- | --- | --- | --- |",
    ]
    for mode in MODES.values():
        name = f"**{mode.label}**" if mode is DEFAULT else mode.label
        # Restarting a kernel asks in each mode that may do it: all variables are lost.
        cells = [name, _may(mode, "read"), _may(mode, "edit"), _may(mode, "run")]
        lines.append(f"| {' | '.join([*cells, _may(mode, 'overwrite')])} |")
    return "\n".join(lines) + "\n"


def _may(mode: Mode, kind: ActionKind) -> str:
    """Return in words what a mode says to a kind of action."""
    verdict = mode.rules[kind]
    if verdict is not Verdict.ALLOW:
        return "no" if verdict is Verdict.DENY else "asks"
    if kind == "read":
        return "yes"
    until = "until the time you choose" if mode.ends and kind == "run" else "at once"
    return f"there, {until}; asks elsewhere" if mode.only_chosen else f"yes, {until}"


def settings_table() -> str:
    """Return the table of settings as the README has it."""
    lines = ["| setting | default | meaning |", "| --- | --- | --- |"]
    for name, trait in JmcpLab.class_own_traits(config=True).items():
        lines.append(f"| `JmcpLab.{name}` | `{trait.default_value}` | {trait.help} |")
    return "\n".join(lines) + "\n"


def between(text: str, name: str, table: str) -> str:
    """Return `text` with a table between the markers of that name."""
    markers = re.compile(rf"(<!-- {name}:[^>]*-->\n)(.*?)(<!-- /{name} -->)", re.DOTALL)
    written, found = markers.subn(lambda marked: f"{marked[1]}\n{table}\n{marked[3]}", text)
    assert found == 1, f"the README has no place for the table of {name}"
    return written


if __name__ == "__main__":
    text = between(README.read_text(), "modes", modes_table())
    text = between(text, "tools", tools_table())
    README.write_text(between(text, "settings", settings_table()))
