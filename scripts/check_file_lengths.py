"""Warn about source files that are too long to read in one go, and fail if one is far too long.

A file just above the first limit is not split at an arbitrary line. It is split when somebody sees
which two subjects it has.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

WARN_LINES = 400
"""Number of lines above which a file causes a warning."""

MAX_LINES = 500
"""Maximum number of lines of a file."""

PATTERNS = (
    "jmcp_lab/**/*.py",
    "src/**/*.ts",
    "src/**/*.tsx",
    "style/**/*.css",
    "tests/**/*.py",
    "ui-tests/**/*.py",
)

EXCEPTIONS: dict[str, str] = {}
"""Reasons why a longer file is better left whole, by its path."""


def main() -> int:
    """Print the files that are too long; return 1 if one has more than `MAX_LINES`."""
    failed = False
    for path in sorted({path for pattern in PATTERNS for path in ROOT.glob(pattern)}):
        name = path.relative_to(ROOT).as_posix()
        length = len(path.read_text(encoding="utf-8").splitlines())
        if length > WARN_LINES and name not in EXCEPTIONS:
            failed = failed or length > MAX_LINES
            limit = f"at most {MAX_LINES}" if length > MAX_LINES else f"better below {WARN_LINES}"
            print(f"{name}: {length} lines, {limit}")
    if not failed:
        print(f"No file is longer than {MAX_LINES} lines.")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
