"""What a file had and a shared document cannot hold is given back to the right cell."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jmcp_lab.notebooks import cells

from ...support.desk import notebook_of
from ...support.files import Files

SOURCES = st.sampled_from(["", "\ufeff", "a", "\ufeffa", "a\r\nb", "a\nb", "a\r\nb\r\n"])


@settings(max_examples=30, deadline=None)
@given(st.lists(SOURCES, min_size=1, max_size=5))
@example(["", "\ufeff"])
@example(["a\r\nb", "a\nb", "a\r\nb"])
def test_cells_without_ids_that_differ_only_in_line_endings_keep_them(
    tmp_path_factory: pytest.TempPathFactory, sources: list[str]
) -> None:
    root = tmp_path_factory.mktemp("files")
    where = root / "a.ipynb"

    async def run() -> None:
        where.write_text(json.dumps(notebook_of(*sources, minor=4)))
        files = Files(root)
        room = await files.open("a.ipynb")
        await room.autosave.save()
        assert said(where) == sources
        # With the first edit they get ids; the new cell is like some of them.
        cells.insert(room.notebook, 0, [cells.NewCell("new", "code")], "jmcp:a_1")
        cells.insert(room.notebook, len(sources) + 1, [cells.NewCell("", "code")], "jmcp:a_1")
        for _ in range(2):
            await room.autosave.save()
            assert said(where) == ["new", *sources, ""]
        await files.close(room)

    asyncio.run(run())


def said(where: Path) -> list[str]:
    return ["".join(cell["source"]) for cell in json.loads(where.read_text())["cells"]]
