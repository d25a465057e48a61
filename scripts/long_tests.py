"""Run the tests that start whole servers for one more case of a kind, and write down what came out.

    python scripts/long_tests.py --write

`pytest` leaves them out (marker `long`), so that every change can be tested in minutes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "docs" / "long-tests.md"
SUITES = {
    "server": ["tests"],
    "browser": ["-c", "ui-tests/pytest.ini", "--rootdir", "ui-tests", "ui-tests"],
}


def main() -> int:
    """Run both suites; return 1 if a test failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {TABLE.relative_to(ROOT)}")
    options = parser.parse_args()
    rows: list[tuple[str, str, float]] = []
    for arguments in SUITES.values():
        rows += run(arguments)
    if not rows:
        raise SystemExit("No test is marked `long`.")
    if options.write:
        TABLE.write_text(table(rows))
    return int(any(outcome != "passed" for _, outcome, _ in rows))


def run(arguments: list[str]) -> list[tuple[str, str, float]]:
    """Run a suite, and return the name, the outcome and the seconds of each test."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-m", "long", f"--junitxml={report}"]
        subprocess.run([*command, *arguments], cwd=ROOT, check=False)
        cases = list(ET.parse(report).iter("testcase"))
    return [(_name(case), _outcome(case), float(case.get("time") or 0)) for case in cases]


def _name(case: ET.Element) -> str:
    return f"{(case.get('classname') or '').rpartition('.')[2]}: {case.get('name')}"


def _outcome(case: ET.Element) -> str:
    found = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
    return found[0] if found else "passed"


def table(rows: list[tuple[str, str, float]]) -> str:
    """Return the page of results for the documentation."""
    failed = sum(outcome != "passed" for _, outcome, _ in rows)
    lines = [
        "# Long tests",
        "",
        "`python scripts/long_tests.py --write` runs the tests that start whole servers, or load "
        "whole pages, for one more case of a kind. `jlpm test:all` runs the first cases of each.",
        "",
        f"{len(rows)} tests, {failed} not passed.",
        "",
        "| test | outcome | seconds |",
        "| --- | --- | --- |",
    ]
    for name, outcome, seconds in rows:
        shown = name.replace("_", " ").replace("|", "\\|")
        lines.append(f"| {shown} | {outcome} | {seconds:.0f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
