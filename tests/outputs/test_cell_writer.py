from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jmcp_lab.codec.shared_outputs import shared_output
from jmcp_lab.kernels.connection.output_sink import Displays, OutputSink
from jmcp_lab.notebooks.live_notebook import LiveNotebook
from jmcp_lab.notebooks.notebook_document import NotebookDocument
from jmcp_lab.outputs.cell_writer import CellOutputWriter
from jmcp_lab.text.terminal_line import TerminalLine

from ..support.outputs import read_outputs
from ..support.page import OutputArea, Page, process_text

Message = tuple[str, dict[str, Any]]


def notebook() -> NotebookDocument:
    document = NotebookDocument()
    cell = {"id": "c", "cell_type": "code", "source": "", "metadata": {}, "outputs": []}
    document.set({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    return document


class Cell:
    """A cell whose outputs are written, and two who look: a page, and a page that ran it."""

    def __init__(self, limit: int | None = None) -> None:
        self.document = notebook()
        live = LiveNotebook(self.document, lambda: "a.ipynb", "f")
        self.page = Page(self.document)
        self.by_hand = OutputArea()
        self.sink = OutputSink(limit=limit)
        self.writer = CellOutputWriter(live, "c")
        self.writer.begin()
        self.displays = Displays()

    def message(self, kind: str, content: dict[str, Any]) -> None:
        if kind == "update_display_data":
            self.displays.update(content)
        else:
            self.sink.message(kind, content, self.displays)
        self.by_hand.message(kind, content)

    def flush(self, *, live: bool = False) -> list[dict[str, Any]]:
        self.writer.write(self.sink.buffer.view(live=live))
        return self.outputs()

    def outputs(self) -> list[dict[str, Any]]:
        """Return the document's outputs, which the page must show."""
        outputs = read_outputs(self.document.ycells[0])
        assert self.page.area.outputs == outputs == read_outputs(self.page.document.ycells[0])
        return outputs


def stream(text: str, name: str = "stdout") -> Message:
    return "stream", {"name": name, "text": text}


def display(text: str, display_id: str | None = None, kind: str = "display_data") -> Message:
    content: dict[str, Any] = {"data": {"text/plain": text}, "metadata": {}}
    if display_id is not None:
        content["transient"] = {"display_id": display_id}
    if kind == "execute_result":
        content["execution_count"] = 3
    return kind, content


TEXT = st.text(alphabet="ab\né\r\b", max_size=8).filter(bool)
IDS = st.sampled_from(["x", "y"])
MESSAGES = st.one_of(
    st.builds(stream, TEXT, st.sampled_from(["stdout", "stderr"])),
    st.builds(display, st.text(alphabet="uv", max_size=3)),
    st.builds(display, st.text(alphabet="uv", max_size=3), IDS),
    st.builds(display, st.text(alphabet="uv", max_size=3), IDS, st.just("update_display_data")),
    st.builds(display, st.just("result"), st.none(), st.just("execute_result")),
    st.just(("error", {"ename": "E", "evalue": "e", "traceback": ["t", "r"]})),
    st.builds(lambda wait: ("clear_output", {"wait": wait}), st.booleans()),
)
STEPS = st.lists(st.one_of(MESSAGES, st.just("flush")), max_size=25)


@settings(max_examples=300, deadline=None)
@given(STEPS)
def test_any_messages_give_the_same_outputs_as_a_run_in_the_page(
    steps: list[Message | str],
) -> None:
    cell = Cell()
    for step in steps:
        if isinstance(step, str):
            assert cell.flush() == cell.by_hand.outputs
        else:
            cell.message(*step)
    assert cell.flush() == cell.by_hand.outputs == cell.sink.buffer.outputs()


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(MESSAGES, st.sampled_from(["flush", "clear"])), max_size=25))
def test_a_person_may_clear_the_outputs_at_any_moment(steps: list[Message | str]) -> None:
    cell = Cell()
    for step in steps:
        if step == "clear":
            cell.flush()
            cell.document.ycells[0]["outputs"].clear()
        elif step == "flush":
            cell.flush()
        elif not isinstance(step, str):
            cell.message(*step)
    cell.flush()
    if "clear" not in steps:
        assert cell.outputs() == cell.by_hand.outputs
    assert cell.sink.buffer.outputs() == cell.by_hand.outputs


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.one_of(MESSAGES, st.sampled_from(["flush", "add", "remove"])), max_size=25),
    st.sampled_from(["stdout", "stderr"]),
)
def test_changes_of_outputs_by_others_stay_and_break_nothing(
    steps: list[Message | str], name: str
) -> None:
    cell = Cell()
    theirs = {"output_type": "stream", "name": name, "text": "theirs"}
    outputs = cell.document.ycells[0]["outputs"]
    for step in steps:
        if step == "add":
            outputs.append(shared_output({"output_type": "error", "ename": "theirs"}))
            outputs.append(shared_output(theirs))
        elif step == "remove" and len(outputs):
            del outputs[0]
        elif step == "flush":
            cell.writer.write(cell.sink.buffer.view(live=False))
        elif not isinstance(step, str):
            cell.message(*step)
    cell.writer.write(cell.sink.buffer.view(live=False))
    assert cell.sink.buffer.outputs() == cell.by_hand.outputs


@settings(max_examples=300, deadline=None)
@given(STEPS, st.integers(8, 60), st.booleans())
def test_with_a_limit_page_and_document_agree_and_memory_is_limited(
    steps: list[Message | str], limit: int, live: bool
) -> None:
    cell = Cell(limit)
    for step in steps:
        if isinstance(step, str):
            cell.flush(live=live)
        else:
            cell.message(*step)
            if not cell.sink.buffer.overflowing:
                assert cell.sink.buffer.outputs() == cell.by_hand.outputs
    cell.flush()
    # The last message may be longer than the limit; a single display is never cut.
    assert cell.sink.buffer.weight <= limit + 110


WIDGETS = st.sampled_from([None, "w", "v"])


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.one_of(MESSAGES, st.just("flush")), WIDGETS), max_size=25),
    st.one_of(st.none(), st.integers(8, 60)),
    st.booleans(),
)
def test_page_and_document_agree_whatever_widgets_take(
    steps: list[tuple[Message | str, str | None]], limit: int | None, live: bool
) -> None:
    cell = Cell(limit)
    for step, widget in steps:
        if isinstance(step, str):
            cell.flush(live=live)
        elif step[0] == "update_display_data":
            cell.displays.update(step[1])
        else:
            cell.sink.message(*step, cell.displays, widget)
    assert cell.flush() == cell.sink.buffer.outputs()


@given(
    st.lists(
        st.tuples(
            st.one_of(
                st.builds(stream, st.text("ab\n", min_size=1), st.just("stdout")),
                st.builds(display, st.text("uv", max_size=3)),
            ),
            WIDGETS,
        )
    )
)
def test_nothing_that_widgets_take_is_lost(steps: list[tuple[Message, str | None]]) -> None:
    cell = Cell()
    alone = {widget: Cell() for widget in (None, "w", "v")}
    for message, widget in steps:
        cell.sink.message(*message, cell.displays, widget)
        alone[widget].message(*message)

    def printed(outputs: list[dict[str, Any]]) -> list[str]:
        return sorted("".join(output.get("text", "") for output in outputs))

    def shown(outputs: list[dict[str, Any]]) -> list[str]:
        return sorted(output["data"]["text/plain"] for output in outputs if "data" in output)

    together = cell.flush()
    apart = [output for each in alone.values() for output in each.flush()]
    assert printed(together) == printed(apart)
    assert shown(together) == shown(apart)


@given(st.lists(TEXT, max_size=8))
def test_text_is_written_as_jupyterlab_writes_it(texts: list[str]) -> None:
    line, final = TerminalLine(), ""
    expected, cursor = "", 0
    for text in texts:
        final += line.feed(text)
        expected, cursor = process_text(cursor, text, expected)
        assert final + line.line == expected
        assert len(final) + line.cursor == cursor


# -- the cases that people know --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "shown"),
    [
        (["10%\r", "20%\r", "100%\n"], "100%\n"),
        (["long line\rshort"], "shortline"),
        (["a\b\b\bb"], "b"),
        (["x\n\b\by"], "x\ny"),
        (["é😀 10%", "\ré😀 20%"], "é😀 20%"),
        (["one\r\ntwo\r\n"], "one\ntwo\n"),
    ],
)
def test_progress_is_shown_in_place(texts: list[str], shown: str) -> None:
    cell = Cell()
    for text in texts:
        cell.message(*stream(text))
        cell.flush()
    assert [output["text"] for output in cell.outputs()] == [shown]


def test_appending_sends_only_what_is_new() -> None:
    cell = Cell()
    cell.message(*stream("x" * 100_000 + "\n"))
    cell.flush()
    sizes: list[int] = []
    subscription = cell.document.ydoc.observe(lambda event: sizes.append(len(event.update)))
    cell.message(*stream("y\n"))
    cell.flush()
    cell.document.ydoc.unobserve(subscription)
    assert len(sizes) == 1
    assert sizes[0] < 100


def test_everything_is_written_with_the_origin_of_outputs() -> None:
    cell = Cell()
    origins: list[str | None] = []
    subscription = cell.document.ycells.observe_deep(lambda _, txn: origins.append(txn.origin))
    cell.writer.begin()
    cell.message(*stream("a"))
    cell.message(*display("b", "x"))
    cell.flush()
    cell.message(*display("c", "x", "update_display_data"))
    cell.flush()
    cell.writer.end(3)
    cell.document.ycells.unobserve(subscription)
    assert set(origins) == {"jmcp:exec"}


def test_a_cell_already_marked_as_waiting_is_not_marked_again() -> None:
    cell = Cell()
    cell.writer.end(1)
    cell.writer.set_state("running")
    changed: list[str] = []
    subscription = cell.document.ycells.observe_deep(
        lambda events, _: changed.extend(key for event in events for key in event.keys)
    )
    cell.writer.begin()
    cell.document.ycells.unobserve(subscription)
    assert changed == ["execution_count"]


def test_numbers_reach_the_page_as_numbers_and_the_file_as_integers() -> None:
    cell = Cell()
    data = {"application/json": {"n": 1, "x": 1.5, "list": [1, True, None]}}
    cell.message("display_data", {"data": data, "metadata": {"width": 640}})
    cell.writer.end(7)
    [output] = cell.flush()
    assert output == {"output_type": "display_data", "data": data, "metadata": {"width": 640}}
    assert isinstance(output["metadata"]["width"], int)
    raw = cell.document.ycells[0]["outputs"][0]["metadata"]["width"]
    assert isinstance(raw, float)
    assert isinstance(cell.document.ycells[0]["execution_count"], float)


def test_a_deleted_cell_takes_no_outputs() -> None:
    cell = Cell()
    cell.message(*stream("a"))
    del cell.document.ycells[0]
    assert cell.writer.write(cell.sink.buffer.view(live=False)) is False
    assert cell.sink.buffer.outputs()[0]["text"] == "a"
    cell.writer.end(1)
    assert cell.writer.begin() is False


def test_outputs_taken_by_a_widget_do_not_replace_the_text_of_others() -> None:
    cell = Cell()
    theirs = {"output_type": "stream", "name": "stdout", "text": "théirs"}
    cell.document.ycells[0]["outputs"].append(shared_output(theirs))
    cell.writer.write([])
    cell.message(*stream("own"))
    cell.flush()
    cell.sink.message(*stream(" taken"), cell.displays, "w")
    assert [output["text"] for output in cell.flush()] == ["théirsown taken"]


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("execute_result", {"data": {"text/plain": "x" * 5_000}, "metadata": {}}),
        ("error", {"ename": "E", "evalue": "x" * 5_000, "traceback": ["x" * 5_000, "x" * 5_000]}),
        (
            "display_data",
            {"data": {"text/html": "x" * 50_000, "text/plain": "<X>"}, "metadata": {}},
        ),
        (
            "display_data",
            {
                "data": {"application/vnd.plotly.v1+json": {"data": [{"y": [0.5] * 5_000}]}},
                "metadata": {},
            },
        ),
    ],
    ids=["result", "error", "display", "figure"],
)
def test_a_single_output_that_is_too_big_is_cut_with_a_note(
    kind: str, content: dict[str, Any]
) -> None:
    cell = Cell(limit=2_000)
    cell.message(kind, content)
    [output] = cell.flush()
    assert len(str(output)) < 5_000
    assert "characters left out here: too much output for one cell]" in str(output)


def test_a_display_that_grows_too_big_is_cut_too() -> None:
    cell = Cell(limit=2_000)
    cell.message(*display("small", "x"))
    cell.message(*display("y" * 5_000, "x", "update_display_data"))
    [output] = cell.sink.buffer.outputs()
    assert "left out here" in output["data"]["text/plain"]
    assert len(output["data"]["text/plain"]) < 1_200
