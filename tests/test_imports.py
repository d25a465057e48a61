"""No module imports itself by way of others, not even for its types.

`lint-imports` finds circles between modules and packages beside each other. This finds those that
pass through a package's own module as well.
"""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest


def circle_in(package: str) -> list[str]:
    """Return modules each of which imports the next one, from one to itself; or nothing."""
    graph = grimp.build_graph(package, cache_dir=None)
    imports = {each: graph.find_modules_directly_imported_by(each) for each in graph.modules}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found[::-1]
    return []


def test_no_module_imports_itself_by_way_of_others() -> None:
    assert circle_in("jmcp_lab") == []


@pytest.mark.parametrize(
    ("package", "lower"),
    [
        ("", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .upper import Upper\n"),
        ("", "def make():\n    from .upper import Upper\n    return Upper()\n"),
        ("from .upper import Upper\n", "from . import Upper\n"),
    ],
    ids=["for a type", "when it is called", "through the package"],
)
def test_a_circle_is_found(
    package: str, lower: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"circles_{tmp_path.name}".replace("-", "_")
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").write_text(package)
    (folder / "upper.py").write_text("from .lower import Lower\n")
    (folder / "lower.py").write_text(lower)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert {f"{name}.upper", f"{name}.lower"} <= {*circle_in(name)}
