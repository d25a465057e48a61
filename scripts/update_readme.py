"""Write the tables of tools and settings into the README, between their markers."""

from __future__ import annotations

import re
from pathlib import Path

from jmcp_lab.cli import tools_table
from jmcp_lab.extension import JmcpLab

README = Path(__file__).parent.parent / "README.md"


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
    text = between(README.read_text(), "tools", tools_table())
    README.write_text(between(text, "settings", settings_table()))
