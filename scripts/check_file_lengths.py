"""Check that no source file has grown past the length at which one reads it in one go."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

LIMIT = 400

PATTERNS = (
    "jmcp_lab/**/*.py",
    "src/**/*.ts",
    "src/**/*.tsx",
    "style/**/*.css",
    "tests/**/*.py",
    "ui-tests/**/*.py",
)

EXCEPTIONS: dict[str, str] = {}
"""Path of a longer file, and why it is better whole."""


def main() -> int:
    """Print the files that are too long; return 1 when there is one."""
    too_long = []
    for path in sorted({path for pattern in PATTERNS for path in ROOT.glob(pattern)}):
        name = path.relative_to(ROOT).as_posix()
        length = len(path.read_text(encoding="utf-8").splitlines())
        if length > LIMIT and name not in EXCEPTIONS:
            too_long.append(f"{name}: {length} lines, at most {LIMIT}")
    print("\n".join(too_long) or f"No file is longer than {LIMIT} lines.")
    return 1 if too_long else 0


if __name__ == "__main__":
    sys.exit(main())
