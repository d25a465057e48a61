"""Creates packages for a test: modules with entry points in a folder on ``sys.path``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Protocol

import pytest

HEAD = """\
from typing import Annotated, Any
from pydantic import BaseModel, Field
from jmcp_lab.api import *
from jmcp_lab.api import ImagePart, TextPart, Tool
READ = {"title": "Made up", "tool_class": ToolClass.READ, "read_only": True}
EDIT = {"title": "Made up", "tool_class": ToolClass.EDIT}
"""


class MakePackage(Protocol):
    """Creates a distribution package with the entry point ``<module>:<named>``."""

    def __call__(self, name: str, code: str, *, named: str = "TOOLS") -> None: ...


@pytest.fixture
def make_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakePackage]:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    made: list[str] = []

    def make(name: str, code: str, *, named: str = "TOOLS") -> None:
        module = "made_up_" + name.lower().replace("-", "_").replace(".", "_")
        (folder / f"{module}.py").write_text(HEAD + dedent(code))
        info = folder / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[jmcp_lab.tools]\nmine = {module}:{named}\n")
        made.append(module)

    yield make
    for module in made:
        sys.modules.pop(module, None)
