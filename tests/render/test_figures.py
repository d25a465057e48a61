from __future__ import annotations

import html
import json
from typing import Any

import pytest

from jmcp_lab.render.blocks import block_of
from jmcp_lab.render.formats.html_figures import MAX_SEARCHED
from jmcp_lab.render.html import MAX_MARKUP

from ..support.figures import figure_in_html, figure_summary
from ..support.outputs import display


def _plotly(traces: list[object], layout: object = None) -> str:
    found = figure_summary({"application/vnd.plotly.v1+json": {"data": traces, "layout": layout}})
    assert found is not None
    assert found[0] == "plotly"
    return found[1]


@pytest.mark.parametrize(
    ("trace", "said"),
    [
        pytest.param({"type": "sankey", "node": {"label": ["a", "b", "c"]},
                      "link": {"source": [0, 1], "target": [1, 2], "value": [8, 4]}},
                     "sankey, 2 links, 3 nodes", id="links"),
        pytest.param({"type": "table", "header": {"values": ["a", "b"]},
                      "cells": {"values": [[1, 2, 3], {"bdata": "AQID", "dtype": "i1"}]}},
                     "table, 3 rows x 2 columns", id="cells"),
        pytest.param({"type": "table", "header": {"values": ["a"]}, "cells": {"values": [[]]}},
                     "table, 0 rows x 1 column", id="no rows"),
        pytest.param({"type": "table", "header": {"values": ["a", "b"]}}, "table, 2 columns",
                     id="header only"),
        pytest.param({"type": "splom", "dimensions": [{"values": [1, 2]}, {"values": [3, 4]}]},
                     "splom, 2 rows of 2 dimensions", id="splom"),
        pytest.param({"type": "parcoords", "dimensions": [{"values": [1]}]},
                     "parcoords, 1 row of 1 dimension", id="parcoords"),
        pytest.param({"type": "heatmap", "x": ["a", "b", "c"], "z": [[1, 2, 3], [4, 5, 6]]},
                     "heatmap, 2 x 3 values", id="grid"),
        pytest.param({"type": "heatmap", "z": {"bdata": "AAAA", "dtype": "i1", "shape": "1, 3"}},
                     "heatmap, 1 x 3 values", id="packed grid"),
        pytest.param({"type": "candlestick", "open": [1, 2], "close": [2, 3]},
                     "candlestick, 2 points", id="prices"),
        pytest.param({"type": "sunburst", "labels": ["a", "b"], "parents": ["", "a"]},
                     "sunburst, 2 points", id="labels"),
        pytest.param({"type": "indicator", "value": 7}, "indicator", id="a single number"),
        pytest.param({"type": "sankey"}, "sankey", id="nothing to count"),
        pytest.param({"type": "sankey", "link": [1], "node": 2}, "sankey", id="damaged"),
        pytest.param({"type": "splom", "dimensions": [1, None]}, "splom, 0 rows of 2 dimensions",
                     id="damaged dimensions"),
        pytest.param({"y": []}, "scatter, 0 points", id="no points"),
    ],
)  # fmt: skip
def test_the_size_of_a_trace_is_the_number_of_its_points(trace: dict[str, Any], said: str) -> None:
    assert _plotly([trace]) == f"1 trace:\n- {said}"


def test_titles_of_subplots_are_shown() -> None:
    texts = [{"text": "North", "showarrow": False}, {"text": "South"}, {"text": ""}, 7]
    hidden = {"text": "off", "visible": False}
    layout = {"title": {"text": "Both"}, "annotations": [*texts, hidden]}
    said = "title: Both\nannotations: 'North', 'South'\n1 trace:\n- bar, 1 point"
    assert _plotly([{"type": "bar", "y": [1]}], layout) == said
    many = {"annotations": [{"text": f"t{n}"} for n in range(15)]}
    assert "'t9', and 5 more\n" in _plotly([], many)


_PLOTLY_PAGE = (
    '<div><script>{library}</script><div id="c82"></div><script>window.PLOTLYENV={{}};'
    'if (document.getElementById("c82")) {{ Plotly.newPlot( "c82", '
    '[{{"name":"wave","y":[1,2,3],"type":"scatter"}}], {{"title":{{"text":"T"}}}}, {{}} )}};'
    "</script></div>"
)


@pytest.mark.parametrize(
    "library", ["x" * 4_800_000, "if(a<b){f('<p>')}" * 300_000, "Plotly.newPlot('a',[b]);" * 3],
    ids=["letters", "code", "calls"],
)  # fmt: skip
def test_a_plotly_figure_is_found_behind_its_whole_library(library: str) -> None:
    page = _PLOTLY_PAGE.format(library=library)
    block = block_of(display({"text/html": page, "text/plain": "<HTML object>"}), 1)
    assert block.kind == "display, plotly figure"
    assert block.text == "title: T\n1 trace:\n- scatter 'wave', 3 points"


def test_a_figure_in_a_comment_is_not_shown() -> None:
    page = _PLOTLY_PAGE.format(library="x")
    assert figure_in_html(f"<!-- {page} -->") is None
    assert figure_in_html(f"<!-- x -->{page}") is not None
    assert figure_in_html(f"<!-- {page}") is None


_OPENED = 'Plotly.newPlot("a",['


@pytest.mark.parametrize(
    "piece",
    ["<script", "<script>", "<script></script>", "<!--", "<script><!--", "</script",
     "<script>" + _OPENED, f"{_OPENED}[[[", f'{_OPENED}"', "})({", 'var spec = {"a":',
     "docs_json='{", '<script type="application/json">{"a":', "&amp;", "&#9", "9",
     "Plotly.newPlot(  "],
)  # fmt: skip
def test_a_figure_is_searched_in_linear_time(piece: str) -> None:
    # With a square in it this would not end within the limit of a test.
    pieces = piece * (MAX_MARKUP // len(piece))
    for opening in ("<script>", '<script type="application/json">{"a":"'):
        assert figure_in_html(opening + pieces) is None


def test_figures_beyond_the_search_limit_are_not_found() -> None:
    assert figure_in_html(" " * MAX_SEARCHED + _PLOTLY_PAGE.format(library="x")) is None


def _model(name: str, number: int, **attributes: object) -> dict[str, object]:
    return {"type": "object", "name": name, "id": f"p{number}", "attributes": attributes}


_SOURCE = _model(
    "ColumnDataSource", 1, data={"type": "map", "entries": [["x", [1, 2, 3]], ["y", [4, 5, 6]]]}
)
_LINE = _model("Line", 2)
_TITLE = 'It\'s <b> \\ "T" & co'


def _docs(*renderers: object) -> dict[str, object]:
    root = _model("Figure", 9, title=_model("Title", 8, text=_TITLE), renderers=list(renderers))
    return {"d1": {"version": "3.9.2", "title": "Bokeh Application", "roots": [root]}}


_DOCS = _docs(
    _model("GlyphRenderer", 3, data_source=_SOURCE, glyph=_LINE),
    _model("GlyphRenderer", 4, data_source={"id": "p1"}, glyph=_model("Scatter", 5)),
    _model("GlyphRenderer", 6, data_source={"id": "p1"}, glyph={"id": "p2"}),
    _model("GlyphRenderer", 7, data_source={"id": "gone"}, glyph=_model("Patch", 10)),
)
_SAID = (
    f"title: {_TITLE}\n4 glyphs:\n- Line, 3 points\n- Scatter, 3 points\n- Line, 3 points\n- Patch"
)


def test_bokeh_glyphs_with_a_shared_data_source_all_count_its_points() -> None:
    script = f"const docs_json = {json.dumps(_DOCS)};\nconst render_items = [];"
    data = {"application/javascript": script, "application/vnd.bokehjs_exec.v0+json": ""}
    assert figure_summary(data) == ("bokeh", _SAID)


def test_a_whole_page_of_bokeh_is_read() -> None:
    # As bokeh.embed.file_html writes it.
    docs = html.escape(json.dumps(_DOCS), quote=False)
    page = (
        '<!DOCTYPE html><html><head><script src="https://cdn/bokeh.js"></script></head><body>'
        f'<script type="application/json" id="e1">\n  {docs}\n</script><script>'
        "const docs_json = document.getElementById('e1').textContent;</script></body></html>"
    )
    block = block_of(display({"text/html": page, "text/plain": "<HTML object>"}), 1)
    assert (block.kind, block.text) == ("display, bokeh figure", _SAID)


def test_bokeh_components_are_read() -> None:
    # As bokeh.embed.components writes it: a JavaScript string of escaped JSON.
    docs = html.escape(json.dumps(_DOCS), quote=False).replace("'", "&#x27;").replace("\\", "\\\\")
    script = f"<script>const docs_json = '{docs}';\nconst render_items = ['x'];</script>"
    assert figure_in_html(script) == ("bokeh", _SAID)


@pytest.mark.parametrize("text", ["{}", "[1]", '{"a":{"b":1}}', '{"a"', '"roots"', "",
                                  f"&#{'9' * 5000};"])  # fmt: skip
def test_json_of_another_page_is_not_mistaken_for_bokeh(text: str) -> None:
    assert figure_in_html(f'<script type="application/json">{text}</script>') is None


def test_axes_and_nested_marks_of_vega_are_shown() -> None:
    lines = {"type": "line", "from": {"data": "series"}}
    facet = {
        "type": "group",
        "title": "Panel",
        "axes": [{"scale": "y", "orient": "right", "title": "Price"}],
        "marks": [lines, {"type": "group", "marks": [{"type": "symbol"}]}],
    }
    spec = {
        "$schema": "https://vega.github.io/schema/vega/v5.json",
        "title": {"text": "Stocks"},
        "data": [{"name": "table", "values": [{"a": 1}, {"a": 2}]}],
        "axes": [
            {"scale": "x", "orient": "bottom", "title": "Date"},
            {"scale": "x", "orient": "top", "title": {"signal": "width"}},
            {"scale": "z", "title": "Odd"},
            7,
        ],
        "marks": [{"type": "rect"}, facet, {"type": "group"}, None],
    }
    assert figure_summary({"application/vnd.vega.v5+json": spec}) == (
        "vega",
        "title: Stocks, Panel\naxes: x 'Date', 'Odd', y 'Price'\n"
        "4 marks:\n- rect\n- line\n- symbol\n- group\n2 data rows",
    )


def test_the_axis_title_of_vega_lite_wins_over_the_channel_title() -> None:
    views = [
        {"title": "Left", "mark": "bar", "encoding": {"x": {"field": "a", "axis": {"title": "A"}}}},
        {"title": "Right", "mark": "bar", "encoding": {"x": {"field": "b", "axis": None}}},
    ]
    found = figure_summary({"application/vnd.vegalite.v5+json": {"hconcat": views}})
    assert found is not None
    assert found[1] == "title: Left, Right\naxes: x 'A', x 'b'\n2 marks:\n- bar\n- bar"
