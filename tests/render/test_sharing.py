from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from jmcp_lab.calls.call import ImagePart, TextPart
from jmcp_lab.render.outputs import (
    MAX_IMAGES,
    Budget,
    CellSection,
    Hint,
    render_cells,
)
from jmcp_lab.render.outputs import render_page as rendered_page

from ..support.outputs import TRACEBACKS, display, encoded, render_outputs, result, stream


def _text(parts: list[TextPart | ImagePart]) -> str:
    return "\n".join(part.text for part in parts if isinstance(part, TextPart))


def _pages(name: str) -> Hint:
    return lambda output, offset: f"read_cell(cell='{name}', output={output}, offset={offset})"


def _cells(count: int, texts: list[str]) -> list[CellSection]:
    """Return cells that all printed these texts, as a reply about a run names them."""
    names = [f"{n:08x}" for n in range(1, count + 1)]
    return [
        CellSection(
            f"cell {n} (id {name}) · ok · 0.00 s",
            [stream(text) for text in texts],
            _pages(name),
            name,
        )
        for n, name in enumerate(names, 1)
    ]


def _said(text: str, name: str) -> bool:
    """Whether a reply says that something of a cell was left out."""
    return bool(re.search(rf"{name}[^\n]*\n(?:(?!cell )[^\n]*\n)*?\[?.*left out", text))


@pytest.mark.parametrize("count", [1, 20, 100, 200, 250])
@pytest.mark.parametrize("texts", [["ab"] * 3, ["x" * 5000, "y", "z" * 300], ["q" * 100] * 40])
def test_many_cells_fit_in_one_reply_and_omissions_are_named(count: int, texts: list[str]) -> None:
    cells = _cells(count, texts)
    text = _text(render_cells(cells, Budget()))
    assert len(text) <= 20_000
    for cell in cells:
        assert f"{cell.label}\n" in text
        whole = _text(render_outputs(cell.outputs, Budget(text=1_000_000)))
        assert whole in text or _said(text + "\n", cell.name)
    if "left out" in text:
        assert "read_cell(cell='" in text
    # Only the words about a cut have an ellipsis: no text ends in a bare one.
    assert not re.search(r"(?<! )…(?! )", text)


def test_cells_without_room_are_named_in_their_place() -> None:
    cells = _cells(1000, ["ab"])
    closing = CellSection("3 cells did not run.", [])
    text = _text(render_cells([*cells, closing], Budget()))
    assert len(text) <= 20_000
    lines = text.splitlines()
    shown = [n for n, cell in enumerate(cells) if cell.label in lines]
    missing = [n for n in range(1000) if n not in shown]
    assert missing == list(range(missing[0], missing[-1] + 1))
    (words,) = [line for line in lines if "cells left out" in line]
    assert words.startswith(f"[{len(missing)} cells left out; read_cell(cell='")
    assert cells[missing[0]].name in words
    assert cells[missing[-1]].name in words
    assert words.endswith("list_cells() lists them]")
    assert "3 cells did not run." in lines
    assert shown[0] == 0
    assert shown[-1] == 999


def test_few_cells_that_are_left_out_are_all_named() -> None:
    cells = [cell._replace(label="l" * 300) for cell in _cells(20, [])]
    text = _text(render_cells(cells, Budget(text=4000)))
    (words,) = [line for line in text.splitlines() if "cells left out" in line]
    count = text.splitlines().count("l" * 300)
    assert words.startswith(f"[{20 - count} cells left out; ")
    assert len(re.findall(r"\b000000\w\w\b", words)) == 20 - count


def test_tiny_outputs_that_fit_are_shown() -> None:
    for count, outputs in ((100, 3), (50, 5), (8, 30)):
        text = _text(render_cells(_cells(count, ["ok"] * outputs), Budget()))
        assert text.count("\nok\n") == count * outputs
        assert "left out" not in text


def test_outputs_of_a_cell_without_room_get_one_line_each_and_one_call() -> None:
    text = _text(render_cells(_cells(100, ["ok"] * 5), Budget()))
    assert 17_500 < len(text) <= 20_000
    assert text.count("\nok\n") > 200
    told = re.findall(r"^\[outputs? \d.*left out.*\]$", text, re.MULTILINE)
    assert len(told) <= 100
    assert "no room" not in text
    call = re.search(r"\[To see what is left out, use calls such as (.*)\]$", text)
    assert call is not None
    assert re.fullmatch(r"read_cell\(cell='\w+', output=\d, offset=0\)", call[1])


def test_what_one_cell_cannot_use_of_its_share_goes_to_the_next() -> None:
    first, second = _cells(1, ["a" * 400] * 30) + _cells(1, ["b" * 50_000])
    text = _text(render_cells([first, second], Budget(text=8000)))
    assert len(text) > 7900


def test_every_output_that_is_cut_says_how_to_get_the_rest() -> None:
    cells = _cells(60, ["word " * 40, "word " * 200, "word " * 40])
    text = _text(render_cells(cells, Budget()))
    cut = re.findall(r"characters left out(.*)", text)
    assert cut
    assert all(re.fullmatch(r"; read_cell\(.*offset=\d+\) …", words) for words in cut)


def test_an_error_is_shown_before_the_outputs_before_it() -> None:
    cells = _cells(120, ["word " * 100] * 4)
    failed = cells[70]
    outputs = [*failed.outputs, TRACEBACKS["pandas"]]
    text = _text(render_cells([*cells[:70], failed._replace(outputs=outputs)], Budget()))
    whole = _text(render_outputs([TRACEBACKS["pandas"]], Budget())).splitlines()[1:-1]
    assert "\n".join(whole) in text


@pytest.mark.parametrize("given", ["\n", "\n\n\n", "  \n"])
def test_an_output_of_blank_lines_says_that_it_has_no_visible_text(given: str) -> None:
    outputs = [stream("a"), stream(given)]
    words = "[output 2 stdout: no visible text]"
    assert _text(rendered_page(outputs, 2, 0, Budget())) == words
    assert _text(render_outputs(outputs, Budget())).splitlines()[-1] == words


def test_an_empty_output_says_that_it_is_empty() -> None:
    for output in (stream(""), result({"text/plain": ""})):
        assert _text(rendered_page([output], 1, 0, Budget())).endswith(": empty]")


@settings(deadline=None)
@given(
    sizes=st.lists(st.lists(st.integers(1, 3000), max_size=6), min_size=1, max_size=60),
    budget=st.sampled_from([3000, 8000, 20_000]),
)
def test_every_omission_is_mentioned(sizes: list[list[int]], budget: int) -> None:
    cells = []
    for n, texts in enumerate(sizes, 1):
        outputs = [stream(f"<{n}.{m}>" + "x" * size) for m, size in enumerate(texts, 1)]
        cells.append(CellSection(f"cell {n} ({n:08x})", outputs, _pages(f"{n:08x}"), f"{n:08x}"))
    text = _text(render_cells(cells, Budget(text=budget)))
    assert len(text) <= budget
    parts = re.split(r"^cell (\d+) \(", text, flags=re.MULTILINE)
    shown = dict(zip(parts[1::2], parts[2::2], strict=True))
    for n, texts in enumerate(sizes, 1):
        if str(n) not in shown:
            assert "cells left out; read_cell" in text or "1 cell left out; read_cell" in text
            continue
        said = shown[str(n)]
        missing = [m for m, size in enumerate(texts, 1) if f"<{n}.{m}>" + "x" * size not in said]
        assert not missing or "left out" in said


def test_the_first_images_are_sent_however_many_cells_share_the_reply() -> None:
    picture = display({"image/png": encoded(Image.new("RGB", (10, 10)))})
    cells = [c._replace(outputs=[picture, *c.outputs]) for c in _cells(150, ["word " * 60])]
    parts = render_cells(cells, Budget())
    assert len(parts) == 1 + MAX_IMAGES
    text = _text(parts)
    assert len(text) <= 20_000
    for number, part in enumerate(text.split("\ncell ")[:MAX_IMAGES], 1):
        assert f": image {number}]" in part
