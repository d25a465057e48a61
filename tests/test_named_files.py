"""The documents name only files that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = (
    "jmcp_lab",
    "src",
    "tests",
    "ui-tests",
    "scripts",
    "benchmarks",
    "style",
    "schema",
    "docs",
)
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "benchmarks" / "README.md"]
OTHERS = {
    *("bottleneck.py", "jupyter_server_config.py", "orjson.py", "warnings.py"),
    *("jmcp_lab/tools/count.py", "tests/tools/test_count.py"),
}
"""Files of other programs, and those that a reader is to write."""
NAMED = re.compile(r"`([\w./-]+\.(?:py|tsx?|css|sh))(?=[`:])")


@pytest.fixture(scope="module")
def there() -> list[str]:
    found = [path for folder in SOURCES for path in (ROOT / folder).rglob("*") if path.is_file()]
    return [f"/{path.relative_to(ROOT).as_posix()}" for path in found]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_source_file_named_in_a_document_exists(document: Path, there: list[str]) -> None:
    named = set(NAMED.findall(document.read_text("utf-8")))
    missing = {name for name in named if not any(path.endswith(f"/{name}") for path in there)}
    assert missing - OTHERS == set()
