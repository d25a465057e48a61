from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from jmcp_lab.render import reply as replies
from jmcp_lab.render.limits import Limits
from jmcp_lab.render.outputs import CellSection

from ..support.outputs import display, stream

LINES = [f"line {number} of a traceback" for number in range(50_000)]
LONG: dict[str, dict[str, Any]] = {
    "json": display({"application/json": {"rows": [[n, n / 7] for n in range(50_000)]}}),
    "json of texts": display({"application/json": {"rows": [{"t": "x" * 100}] * 6000}}),
    "traceback": {"output_type": "error", "ename": "E", "evalue": "e", "traceback": LINES},
    "lines": {"output_type": "stream", "name": "stdout", "text": LINES},
    "text": stream("x" * 600_000),
    "image": display({"image/png": "iVBORw0KGgo="}),
}


@pytest.mark.parametrize("kind", LONG)
async def test_an_output_that_is_long_in_any_way_is_rendered_off_the_event_loop(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = []

    def note_thread(*_: object, **_options: object) -> list[Any]:
        threads.append(threading.current_thread())
        return []

    # As if there was no helper process; see `test_large_outputs`.
    monkeypatch.setattr(replies, "is_huge", lambda _cells: False)
    monkeypatch.setattr(replies, "rendered", note_thread)
    monkeypatch.setattr(replies, "rendered_page", note_thread)
    await replies.render([CellSection("a", []), CellSection("b", [LONG[kind]])], Limits())
    await replies.render_one(CellSection("b", [LONG[kind]]), 1, 0, Limits())
    assert len(threads) == 2
    assert threading.main_thread() not in threads


def test_short_outputs_are_rendered_at_once() -> None:
    outputs = [stream("x" * 1000), display({"application/json": {"a": [1, 2, None]}}), None]
    assert not replies.is_heavy(outputs)


class Unseen(list[Any]):
    """A list whose parts nobody may look at."""

    def __iter__(self) -> Iterator[Any]:
        raise AssertionError("its length says enough")


def test_a_huge_list_is_weighed_without_looking_at_its_parts() -> None:
    huge = Unseen([n] for n in range(500_000))
    assert replies.is_heavy([display({"application/json": [huge, huge]})])
    assert replies.is_heavy([display({"application/json": [[1]] * 20_000 + [huge]})])
