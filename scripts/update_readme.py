"""Write the table of tools into the README, between its markers."""

from __future__ import annotations

import re
from pathlib import Path

from jmcp_lab.cli import tools_table

README = Path(__file__).parent.parent / "README.md"
BETWEEN = re.compile(r"(<!-- tools:[^>]*-->\n)(.*?)(<!-- /tools -->)", re.DOTALL)

if __name__ == "__main__":
    text = README.read_text()
    README.write_text(BETWEEN.sub(lambda found: f"{found[1]}\n{tools_table()}\n{found[3]}", text))
