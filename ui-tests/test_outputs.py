"""Tests that page, document and saved file have the same outputs of an agent's run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from agent import text_of
from panel import outputs, prompt, run_by_hand

if TYPE_CHECKING:
    from stage import Stage


def test_plain_text_is_in_the_page_and_in_the_file(stage: Stage) -> None:
    result = stage.run("print('über 😀')\n6 * 7")
    assert "über 😀" in text_of(result)
    assert "42" in text_of(result)
    stream, value = stage.outputs()
    assert stream == {"output_type": "stream", "name": "stdout", "text": "über 😀\n"}
    assert value["data"]["text/plain"] == "42"


def test_interleaved_streams_keep_their_order(stage: Stage) -> None:
    stage.run(
        "import sys\n"
        "for i in range(3):\n"
        "    print('out', i, flush=True)\n"
        "    print('err', i, file=sys.stderr, flush=True)"
    )
    assert [(each["name"], each["text"]) for each in stage.outputs()] == [
        (name, f"{word} {i}\n")
        for i in range(3)
        for name, word in (("stdout", "out"), ("stderr", "err"))
    ]


def test_an_error_shows_its_traceback(stage: Stage) -> None:
    result = stage.run("print('before')\n1 / 0")
    assert result.is_error
    assert "ZeroDivisionError" in text_of(result)
    stream, error = stage.outputs()
    assert stream["text"] == "before\n"
    assert error["ename"] == "ZeroDivisionError"
    expect(outputs(stage.page, 1).last).to_contain_text("ZeroDivisionError: division by zero")


def test_a_matplotlib_figure_is_displayed(stage: Stage) -> None:
    result = stage.run(
        "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([3, 1, 2])\nplt.show()"
    )
    assert "image" in {part.type for part in result.content}
    (figure,) = stage.outputs()
    assert figure["data"]["image/png"]
    width = outputs(stage.page, 1).locator("img").evaluate("img => img.naturalWidth")
    assert width > 100


def test_html_is_displayed_as_html(stage: Stage) -> None:
    stage.run(
        "from IPython.display import HTML\n"
        "HTML('<table><tr><th>Größe</th></tr><tr><td>17</td></tr></table>')"
    )
    (table,) = stage.outputs()
    assert "<table>" in table["data"]["text/html"]
    expect(outputs(stage.page, 1).get_by_role("cell", name="17")).to_be_visible()


@pytest.mark.parametrize(
    ("source", "name", "wanted"),
    [
        pytest.param(
            "for i in range(0, 101, 5):\n"
            "    print(f'\\ré😀 {i:3} % ' + '█' * (i // 10), end='', flush=True)\n"
            "print()\nprint('done')",
            "stdout",
            r"^é😀 100 % █{10}\ndone\n$",
            id="made by hand, not ASCII",
        ),
        pytest.param(
            "for word in ('loooong', 'ab'):\n    print(word, end='\\r', flush=True)\nprint('c')",
            "stdout",
            r"^cbooong\n$",
            id="shorter text over longer",
        ),
        pytest.param(
            "import time\nfrom tqdm import tqdm\n"
            "for i in tqdm(range(40), mininterval=0):\n    time.sleep(0.005)",
            "stderr",
            r"^100%\|█+\| 40/40 [^\n\r]*\n$",
            id="tqdm",
        ),
    ],
)
def test_a_progress_bar_is_one_line(stage: Stage, source: str, name: str, wanted: str) -> None:
    stage.run(source)
    (bar,) = stage.outputs()
    assert bar["name"] == name
    assert re.fullmatch(wanted, bar["text"])


def test_clear_output_leaves_only_the_last_output(stage: Stage) -> None:
    stage.run(
        "import time\nfrom IPython.display import clear_output\n"
        "for i in range(12):\n"
        "    clear_output(wait=True)\n"
        "    print('turn', i)\n"
        "    display(i)\n"
        "    time.sleep(0.01)"
    )
    stream, value = stage.outputs()
    assert stream["text"] == "turn 11\n"
    assert value["data"]["text/plain"] == "11"


def test_an_updated_display_changes_in_place(stage: Stage) -> None:
    stage.run(
        "shown = display('first', display_id='place')\n"
        "print('between')\n"
        "display('after')\n"
        "shown.update('second')"
    )
    updated, between, after = stage.outputs()
    assert updated["data"]["text/plain"] == "'second'"
    assert between["text"] == "between\n"
    assert after["data"]["text/plain"] == "'after'"


def test_outputs_show_while_the_cell_runs(stage: Stage) -> None:
    go = stage.server.root / "go-outputs"
    running = stage.start(
        "from pathlib import Path\nimport time\n"
        "print('one')\n"
        "while not Path('go-outputs').exists():\n    time.sleep(0.01)\n"
        "print('two')"
    )
    try:
        expect(outputs(stage.page, 1)).to_have_text("one\n")
        expect(prompt(stage.page, 1)).to_have_text("[*]:")
        assert not running.done()
    finally:
        go.touch()
    assert "two" in text_of(running.result(60))
    stage.wait_until_ended()
    (stream,) = stage.outputs()
    assert stream["text"] == "one\ntwo\n"


def test_a_person_runs_in_the_same_kernel(stage: Stage) -> None:
    stage.run("known_to_both = 'from the agent'")
    stage.write("known_to_both")
    run_by_hand(stage.page, 1)
    expect(outputs(stage.page, 1)).to_have_text("'from the agent'")
    stage.wait_until_ended()
    assert [each["data"]["text/plain"] for each in stage.outputs()] == ["'from the agent'"]
