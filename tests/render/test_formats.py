"""To add an output format is to add a file of `render/formats` and a line of its list."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

import jmcp_lab.render
from jmcp_lab.render import formats
from jmcp_lab.render.formats.base import SILENT, Bundle, Format, Shown, Source

from ..runtime.test_proposed_calls import calls_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..support.robots import Robot

RENDER = Path(jmcp_lab.render.__file__).parent

MIME_TYPE = re.compile(r"\b(?:application|audio|font|image|model|text|video)/")

ALLOWED = {
    "images.py": "the types of images that are sent, whatever the type of the output",
    "html_media.py": "images in data URLs of HTML, whose size is said, are told by their prefix",
    "reply.py": "anything with an image takes long to render",
}
"""Modules other than formats that may name mime types, each with its reason."""


def _names(path: Path) -> Iterator[str]:
    """Yield the texts of a module that name a mime type, other than docstrings."""
    tree = ast.parse(path.read_text())
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            if MIME_TYPE.search(node.value):
                yield node.value


def test_no_other_module_of_the_renderer_names_a_mime_type() -> None:
    found = {path.name: [*_names(path)] for path in sorted(RENDER.glob("*.py"))}
    assert {name: texts for name, texts in found.items() if texts and name not in ALLOWED} == {}
    assert [name for name in ALLOWED if not found[name]] == [], "no longer an exception"


INK = "application/vnd.ink.v1+json"


def _show(data: Bundle) -> Shown | None:
    if INK not in data:
        return None
    return Shown("ink drawing", f"{len(data[INK]['strokes'])} strokes")


def _source(data: Bundle) -> Source | None:
    return Source("its strokes", lambda: " ".join(data[INK]["strokes"]))


def _outline(data: Bundle) -> str | None:
    return "ink drawing" if INK in data else None


FORMAT = Format(
    "ink", show=_show, source=_source, outline=_outline, alone=True, types={INK: SILENT}
)


@pytest.fixture
def drawing(root: Path) -> str:
    """Return the id of a cell with a drawing, in a notebook of the server."""
    strokes = {"strokes": ["down", "up", "across"]}
    output = new_output("display_data", {INK: strokes, "text/plain": "<Ink at 0x7f>"})
    cell = new_code_cell("draw()", outputs=[output])
    nbformat.write(new_notebook(cells=[cell]), root / "a.ipynb")
    return str(cell["id"])


async def test_a_format_added_as_one_file_and_one_line_appears_in_every_reply(
    robot: Robot, drawing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await robot.say("read_cell", cell=drawing, notebook="a.ipynb")
    assert "drawing" not in before
    monkeypatch.setattr(formats, "FORMATS", (*formats.FORMATS[:3], FORMAT, *formats.FORMATS[3:]))

    read = await robot.say("read_cell", cell=drawing, notebook="a.ipynb")
    assert "[output 1 display, ink drawing]\n3 strokes\n[/output 1]" in read
    assert "not shown" not in read

    assert "ink drawing" in await robot.say("list_cells", notebook="a.ipynb")

    [(name, given)] = calls_in(read)
    assert "\ndown up across\n" in await robot.say(name, **given)
    page = await robot.say("read_cell", cell=drawing, output=1, notebook="a.ipynb")
    assert "\n3 strokes\ndown up across\n" in page
