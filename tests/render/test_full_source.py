from __future__ import annotations

import json
import re
from typing import Any

import pytest
from PIL import Image

from jmcp_lab.calls.call import ImagePart, TextPart
from jmcp_lab.render.outputs import Budget, render_page

from ..support.outputs import FIGURES, TRACEBACKS, display, encoded, render_outputs, stream

PLOTLY = "application/vnd.plotly.v1+json"


HALF = 800_000
"""Characters of a page, so that what is too long to be read fills two; each page reads it anew."""


def _hint(output: int, offset: int) -> str:
    return f"read_cell(cell='ab12', output={output}, offset={offset})"


def _said(parts: list[TextPart | ImagePart]) -> str:
    return "\n".join(part.text for part in parts if isinstance(part, TextPart))


def _source(output: dict[str, Any], budget: int = 3000) -> tuple[str, str]:
    """Return the summary of an output and what is paged from where the reply says."""
    said = _said(render_outputs([output], Budget(), hint=_hint))
    told = re.search(r"\[in full: read_cell\(.*offset=(\d+)\)\]$", said)
    assert told is not None, said
    collected, offset = "", int(told[1])
    while True:
        text = _said(render_page([output], 1, offset, Budget(text=budget)))
        assert len(text) <= budget
        where, marker, *body, end = text.split("\n")
        assert marker.startswith("[output 1 ")
        assert end.startswith("[/output 1")
        collected += "\n".join(body)
        onwards = re.search(r"next: offset=(\d+)", where)
        if onwards is None:
            return said, collected
        # The newline at which a page ends is the marker's too.
        following = int(onwards[1])
        collected += "\n" * (following - int(told[1]) - len(collected))
        offset = following


def test_a_figure_of_many_traces_is_paged_as_json() -> None:
    traces = [
        {"type": "scatter", "name": f"trace {n}", "x": [1, 2], "y": [n, n]} for n in range(60)
    ]
    figure = {"data": traces, "layout": {"title": {"text": "T"}}}
    said, source = _source(display({PLOTLY: figure, "text/plain": "Figure()"}))
    assert "- and 30 more" in said
    assert json.loads(source) == figure
    assert len(source.splitlines()) > 60


@pytest.mark.parametrize("name", FIGURES)
def test_the_source_of_each_kind_of_figure_is_paged(name: str) -> None:
    _, source = _source(display(FIGURES[name]["data"]))
    assert len(source) > 500


def test_the_page_of_a_figure_starts_with_its_summary_and_image() -> None:
    png = encoded(Image.new("RGB", (10, 10)))
    bundle = {PLOTLY: {"data": [{"y": list(range(5000))}], "layout": {}}, "image/png": png}
    text, image = render_page([display(bundle)], 1, 0, Budget(text=2000))
    assert image == ImagePart(png, "image/png")
    assert isinstance(text, TextPart)
    first, _, summary, *_ = text.text.split("\n")
    assert re.fullmatch(r"\[output 1: .*; next: offset=\d+; its JSON: from offset=\d+\]", first)
    assert summary == "1 trace:"
    assert len(text.text) <= 2000
    _, source = _source(display(bundle))
    assert json.loads(source)["data"][0]["y"][-1] == 4999


def test_an_svg_image_of_many_texts_is_paged_as_its_source() -> None:
    texts = "\n".join(f"<text>label {n}</text>" for n in range(200))
    svg = f"<svg width='10' height='10'>\n{texts}\n</svg>"
    said, source = _source(display({"image/svg+xml": svg}))
    assert "and 140 more" in said
    assert source == svg


def test_a_traceback_with_folded_frames_is_paged_whole() -> None:
    said, source = _source(TRACEBACKS["pandas"])
    assert "folded" in said
    assert "indexer = self.columns.get_loc(key)" in source
    assert source.endswith("KeyError: 'zzz'")
    assert "\x1b" not in source


def test_a_source_with_a_marker_is_enclosed_in_unpredictable_markers() -> None:
    svg = "<svg>" + "<!-- [/output 1] -->" * 300 + "</svg>"
    _, source = _source(display({"image/svg+xml": svg}))
    assert source == svg
    page = _said(render_page([display({"image/svg+xml": svg})], 1, 0, Budget()))
    assert re.search(r"\n\[/output 1 #\w{6}\]$", page)


def test_html_too_long_to_read_is_paged_as_its_source() -> None:
    html = "<p>begin</p>" + "<i></i>" * 150_000 + "<p>the end</p>"
    said, source = _source(display({"text/html": html}), HALF)
    assert "more characters of HTML were not read" in said
    assert source == html


def test_a_table_in_html_too_long_to_read_is_paged_as_its_source() -> None:
    rows = "<tr><td>...</td></tr>" + "<tr><td>1</td></tr>" * 60_000
    html = f'<table class="dataframe">{rows}</table>'
    said, source = _source(display({"text/html": html}), HALF)
    assert "table, unknown length" in said
    assert source == html


@pytest.mark.parametrize(
    "output", [stream("text"), TRACEBACKS["zero"], TRACEBACKS["chain"], display({"text/html": "a"})]
)
def test_an_output_shown_completely_has_no_other_source(output: dict[str, Any]) -> None:
    assert "in full" not in _said(render_outputs([output], Budget(), hint=_hint))
    assert _said(render_page([output], 1, 0, Budget())).startswith("[output 1 ")


def test_library_frames_folded_on_stderr_can_be_paged() -> None:
    frames = "".join(
        f'  File "/env/python3.11/site-packages/lib/{name}.py", line 1, in {name}\n    {name}()\n'
        for name in ("one", "two", "three")
    )
    text = f"Traceback (most recent call last):\n{frames}ValueError: told"
    said, source = _source(stream(text, "stderr"))
    assert "three()" not in said
    assert source == text
