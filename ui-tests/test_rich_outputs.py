"""Tests that outputs of plotting libraries in an agent's run work in the page and in the file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from agent import text_of
from notebook_page import shared_outputs
from panel import DRAWN_MS, outputs, prompt

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from stage import Stage

VEGA_LITE = """display({
    'application/vnd.vegalite.v5+json': {
        '$schema': 'https://vega.github.io/schema/vega-lite/v5.json',
        'title': 'Sales',
        'width': 120,
        'height': 80,
        'data': {'values': [{'day': 'Mo', 'n': 3}, {'day': 'Tu', 'n': 5}]},
        'mark': 'bar',
        'encoding': {
            'x': {'field': 'day', 'type': 'nominal'},
            'y': {'field': 'n', 'type': 'quantitative'},
        },
    },
    'text/plain': 'a chart',
}, raw=True)"""
"""By hand: altair 6 writes version 6, which JupyterLab 4.6 does not draw."""


def area(stage: Stage, number: int = 1) -> Locator:
    """Return everything that the page shows below a cell."""
    return stage.page.locator(
        f".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell >> nth={number - 1}"
    ).locator(".jp-Cell-outputArea")


def test_a_display_is_updated_from_another_cell(stage: Stage) -> None:
    second = stage.write("place.update('second')")
    first = stage.write("place = display('first', display_id=True)\nprint('below')")
    stage.agent.say("execute_cell", cells=first)
    expect(outputs(stage.page, 1).first).to_have_text("'first'")
    stage.agent.say("execute_cell", cells=second)
    expect(prompt(stage.page, 2)).to_have_text(re.compile(r"^\[\d+\]:$"), timeout=DRAWN_MS)
    expect(outputs(stage.page, 1).first).to_have_text("'second'")
    updated, below = stage.outputs(1)
    assert updated["data"]["text/plain"] == "'second'"
    assert below["text"] == "below\n"
    assert stage.outputs(2) == []


def test_latex_is_displayed_as_formulas(stage: Stage) -> None:
    stage.run(
        "from IPython.display import Latex, Math\ndisplay(Latex(r'$x^2$'), Math(r'\\frac 1 2'))"
    )
    latex, fraction = stage.held()
    assert latex["data"]["text/latex"] == "$x^2$"
    assert "\\frac 1 2" in fraction["data"]["text/latex"]
    expect(area(stage).locator("mjx-container")).to_have_count(2)


def test_svg_is_displayed(stage: Stage) -> None:
    svg = "<svg xmlns='http://www.w3.org/2000/svg' width='40' height='30'><circle r='9'/></svg>"
    stage.run(f'from IPython.display import SVG\nSVG("{svg}")')
    (drawing,) = stage.held()
    assert "<circle" in drawing["data"]["image/svg+xml"]
    expect(area(stage).locator("img")).to_have_js_property("naturalWidth", 40)


def test_a_vega_chart_is_displayed(stage: Stage) -> None:
    result = stage.run(VEGA_LITE)
    assert "Sales" in text_of(result)
    expect(area(stage).locator(".vega-embed :is(canvas, svg)").first).to_be_visible()
    # The page adds a picture of what it has drawn to the document, as after a run by hand.
    stage.page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.model.sharedModel.cells[0]"
        ".toJSON().outputs[0].data['image/png']"
    )
    (chart,) = stage.held()
    assert chart["data"]["application/vnd.vegalite.v5+json"]["width"] == 120


def test_a_plotly_figure_is_displayed(stage: Stage) -> None:
    result = stage.run(
        "import plotly.graph_objects as go\n"
        "figure = go.Figure(go.Bar(x=['a', 'b'], y=[1, 2]), layout={'title': 'Bars'})\n"
        "figure.show(renderer='plotly_mimetype')"
    )
    assert "Bars" in text_of(result)
    (figure,) = stage.held()
    assert figure["data"]["application/vnd.plotly.v1+json"]["data"][0]["type"] == "bar"
    expect(area(stage).locator(".js-plotly-plot .bars path")).to_have_count(2)


def test_a_plotly_figure_with_its_own_script_is_displayed(stage: Stage) -> None:
    stage.run(
        "import plotly.graph_objects as go\n"
        "go.Figure(go.Bar(x=['a', 'b', 'c'], y=[1, 2, 3])).show(renderer='notebook')"
    )
    assert all("text/html" in output["data"] for output in stage.held())
    expect(area(stage).locator(".js-plotly-plot .bars path")).to_have_count(3)


def test_a_bokeh_figure_is_displayed(stage: Stage) -> None:
    stage.run(
        "from bokeh.io import output_notebook, show\n"
        "from bokeh.plotting import figure\n"
        "from bokeh.resources import INLINE\n"
        "output_notebook(INLINE, hide_banner=True)\n"
        "plot = figure(title='Line', width=200, height=150)\n"
        "plot.line([1, 2], [3, 4])\n"
        "show(plot)"
    )
    mimes = [mime for output in stage.held() for mime in output["data"]]
    assert "application/vnd.bokehjs_exec.v0+json" in mimes
    # Bokeh draws inside a shadow tree, which Playwright looks into by itself.
    expect(area(stage).locator("canvas").first).to_be_visible()


def test_a_rich_table_is_displayed(stage: Stage) -> None:
    stage.run(
        "from rich.console import Console\nfrom rich.table import Table\n"
        "table = Table('name', 'size')\ntable.add_row('Größe', '17')\nConsole().print(table)"
    )
    (table,) = stage.outputs()
    assert "Größe" in table["data"]["text/html"]
    expect(outputs(stage.page, 1)).to_contain_text("Größe")


def test_a_tqdm_progress_bar_is_a_widget_that_reaches_its_end(stage: Stage) -> None:
    stage.run(
        "import time\nfrom tqdm.auto import tqdm\n"
        "for i in tqdm(range(20), mininterval=0):\n    time.sleep(0.005)"
    )
    (bar,) = stage.held()
    assert "application/vnd.jupyter.widget-view+json" in bar["data"]
    expect(area(stage)).to_contain_text("20/20")
    expect(area(stage).locator(".progress-bar-success")).to_have_count(1)


def test_a_slider_that_the_person_moves_reaches_the_kernel(stage: Stage) -> None:
    stage.run(
        "from ipywidgets import IntSlider, Label\n"
        "slider, said = IntSlider(3, description='speed'), Label()\n"
        "slider.observe(lambda change: setattr(said, 'value', f'kernel: {change.new}'), 'value')\n"
        "display(slider, said)"
    )
    views: list[dict[str, Any]] = stage.held()
    assert len(views) == 2
    handle = area(stage).get_by_role("slider")
    handle.focus()
    stage.page.keyboard.press("ArrowRight")
    expect(area(stage)).to_contain_text("kernel: 4")
    assert "4" in stage.agent.say("execute_ipython", code="slider.value")
    # And what the agent sets is seen by the person.
    stage.agent.say("execute_ipython", code="slider.value = 9")
    expect(handle).to_have_attribute("aria-valuetext", "9")
    assert stage.held() == views


def test_a_rich_progress_bar_clears_only_itself(stage: Stage) -> None:
    stage.run(
        "import time\nfrom rich.progress import track\n"
        "print('before', flush=True)\n"
        "for i in track(range(10), 'Working'):\n    time.sleep(0.02)\n"
        "print('after')"
    )
    expect(area(stage)).to_contain_text("100%")
    document = shared_outputs(stage.page, 1)
    assert document[0]["text"] == "before\n"
    assert document[-1]["text"] == "after\n"
    expect(area(stage)).to_contain_text("before")
    stage.same_everywhere()


def test_interact_shows_the_result_of_the_value_that_the_person_chose(stage: Stage) -> None:
    stage.run(
        "from ipywidgets import interact\n"
        "print('before', flush=True)\n"
        "@interact(x=(0, 10))\n"
        "def square(x=3):\n    print('square', x * x)"
    )
    expect(area(stage)).to_contain_text("square 9")
    handle = area(stage).get_by_role("slider")
    handle.focus()
    stage.page.keyboard.press("ArrowRight")
    expect(area(stage)).to_contain_text("square 16")
    expect(area(stage)).not_to_contain_text("square 9")
    expect(area(stage)).to_contain_text("before")
    document = stage.same_everywhere()
    assert "square" not in str(document)
