from __future__ import annotations

import asyncio
import gc
import tracemalloc
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jmcp_lab.calls.call import (
    Action,
    Call,
    CallState,
    Decision,
    DecisionSource,
    Preview,
    PreviewItem,
    Reply,
    Target,
    ToolClass,
)
from jmcp_lab.calls.kept_replies import MAX_CHARACTERS, MAX_PER_AGENT
from jmcp_lab.calls.ledger import Ledger, now
from jmcp_lab.errors import NotFoundError


def enter(ledger: Ledger) -> Call:
    return ledger.open("a_1", "Ada's agent", "read_cell", ToolClass.READ, {})


@given(st.lists(st.sampled_from(CallState), max_size=8))
def test_a_finished_call_keeps_its_final_state(states: list[CallState]) -> None:
    ledger = Ledger()
    call = enter(ledger)
    ended: CallState | None = None
    for state in states:
        try:
            ledger.update(call, state=state)
        except ValueError:
            continue
        assert ended in (None, state)
        if state.ended:
            ended = state
    assert (call.ended is not None) == call.state.ended


def test_since_returns_each_changed_call_once_in_order_of_change() -> None:
    ledger = Ledger()
    first, second = enter(ledger), enter(ledger)
    before = ledger.seq
    ledger.update(first, progress="1 s")
    ledger.update(second, progress="1 s")
    ledger.update(first, progress="2 s")
    assert ledger.since(before) == [second, first]
    assert ledger.since(ledger.seq) == []


def test_only_calls_that_have_ended_are_forgotten() -> None:
    ledger = Ledger(kept=3)
    waiting = enter(ledger)
    for _ in range(10):
        call = enter(ledger)
        ledger.update(call, state=CallState.RUNNING)
        ledger.update(call, state=CallState.DONE)
    assert ledger.get(waiting.id) is waiting
    assert len(ledger.since(0)) == 3


def test_an_unknown_call_is_an_error_that_names_it() -> None:
    with pytest.raises(NotFoundError, match="c_nothing"):
        Ledger().get("c_nothing")


async def test_everyone_waiting_for_a_change_is_notified() -> None:
    ledger = Ledger()
    call = enter(ledger)
    waiters = [asyncio.create_task(ledger.changed(call, call.seq)) for _ in range(3)]
    await asyncio.sleep(0)
    ledger.update(call, progress="now")
    async with asyncio.timeout(5):
        await asyncio.gather(*waiters)


async def test_waiting_returns_at_once_for_a_change_that_has_happened() -> None:
    ledger = Ledger()
    call = enter(ledger)
    before = call.seq
    ledger.update(call, progress="now")
    async with asyncio.timeout(5):
        await ledger.changed(call, before)


def test_prepared_changes_are_published_with_the_next_step() -> None:
    ledger = Ledger()
    call = enter(ledger)
    ledger.update(call, state=CallState.RUNNING)
    told: list[tuple[CallState, bool]] = []
    ledger.subscribe(lambda call: told.append((call.state, call.undoable)))
    ledger.prepare(call, undoable=True)
    assert told == []
    ledger.update(call, state=CallState.DONE)
    assert told == [(CallState.DONE, True)]


def test_a_prepared_change_of_a_finished_call_is_published_at_once() -> None:
    ledger = Ledger()
    call = enter(ledger)
    ledger.update(call, state=CallState.FAILED)
    before = ledger.seq
    ledger.prepare(call, undoable=True)
    assert ledger.since(before) == [call]
    assert call.undoable


def test_a_finished_call_keeps_its_reply_but_not_its_arguments() -> None:
    ledger = Ledger()
    call = ledger.open("a_1", "Robot", "insert_cell", ToolClass.EDIT, {"source": "x" * 1000})
    preview = Preview("diff", (PreviewItem("New cell", old="", new="x" * 1000),))
    ledger.update(call, action=Action("insert_cell", ToolClass.EDIT, "s", preview=preview))
    ledger.update(call, state=CallState.RUNNING)
    ledger.update(call, state=CallState.DONE, reply=Reply.of("done"))
    assert call.reply == Reply.of("done")
    assert call.arguments == {}
    assert call.action is not None
    assert call.action.preview is None


async def test_a_finished_call_releases_its_task() -> None:
    ledger = Ledger()
    call = enter(ledger)
    call.task = asyncio.create_task(asyncio.sleep(0))
    await call.task
    ledger.update(call, state=CallState.FAILED, reply=Reply.of("no"))
    assert call.task is None


class Words(str):
    """A text that can be followed by a weak reference."""


def test_the_kept_reply_does_not_keep_a_forgotten_call_alive() -> None:
    ledger = Ledger(kept=1)
    held = []
    for _ in range(3):
        call = enter(ledger)
        words = Words("done")
        held.append(weakref.ref(words))
        ledger.update(call, state=CallState.RUNNING)
        ledger.update(call, state=CallState.DONE, reply=Reply.of(words))
    del call, words
    gc.collect()
    assert [words() is not None for words in held] == [False, False, True]


def test_old_replies_make_room_for_new_ones() -> None:
    ledger = Ledger()
    calls = []
    for _ in range(3):
        call = enter(ledger)
        ledger.update(call, state=CallState.RUNNING)
        ledger.update(call, state=CallState.DONE, reply=Reply.of("x" * (MAX_CHARACTERS // 2)))
        calls.append(call)
    assert [len(call.reply.text) > 1000 for call in calls if call.reply] == [False, True, True]


def run(ledger: Ledger, agent: str = "a_1", reply: str = "done") -> Call:
    """Enter a run of a cell that asks nobody and comes to its end."""
    call = ledger.open(agent, "Ada's agent", "execute_cell", ToolClass.RUN, {"all": True})
    # Each call finds its own strings, as it does in a notebook.
    target = Target(f"{'a'}.ipynb", (f"{'cell'}-1",), (1,), "python3", f"{'f'}-1", f"{'k'}-1")
    preview = Preview("code", (PreviewItem("Cell 1", "cell-1", text="1 + 1"),))
    action = Action("execute_cell", ToolClass.RUN, f"Run {'cell 1'}", target, preview)
    ledger.update(call, action=action, action_hash=action.action_hash(agent), summary="Run cell 1")
    decision = Decision(True, DecisionSource.MODE, at=now())
    ledger.update(call, state=CallState.RUNNING, decision=decision)
    ledger.update(call, state=CallState.DONE, reply=Reply.of(reply))
    return call


def test_a_thousand_finished_calls_take_little_memory() -> None:
    ledger = Ledger()
    for _ in range(300):
        run(ledger)
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(1000):
            run(ledger, reply=f"Out[{number}]: " + "2" * 200)
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 900_000


def test_equal_calls_share_what_is_kept() -> None:
    ledger = Ledger()
    first, second = run(ledger), run(ledger)
    assert first.action is second.action
    assert first.action is not None
    assert first.action.preview is None
    assert first.action_hash is second.action_hash


def test_an_agent_with_many_calls_does_not_push_out_replies_of_others() -> None:
    ledger = Ledger()
    other = run(ledger, "a_2")
    mine = [run(ledger, reply=str(number)) for number in range(MAX_PER_AGENT + 2)]
    texts = [call.reply.text for call in mine if call.reply is not None]
    assert texts[2:] == [str(number) for number in range(2, MAX_PER_AGENT + 2)]
    assert all("no longer has the reply" in text for text in texts[:2])
    assert other.reply == Reply.of("done")


def test_a_replaced_reply_is_counted_once() -> None:
    ledger = Ledger()
    call = run(ledger)
    for number in range(2 * MAX_PER_AGENT):
        ledger.update(call, reply=Reply.of(str(number)))
    assert call.reply == Reply.of(str(2 * MAX_PER_AGENT - 1))
    first, *_ = [run(ledger) for _ in range(MAX_PER_AGENT - 1)]
    assert first.reply == Reply.of("done")
    assert call.reply == Reply.of(str(2 * MAX_PER_AGENT - 1))


def test_only_unfinished_calls_are_active() -> None:
    ledger = Ledger()
    waiting = enter(ledger)
    for _ in range(5):
        run(ledger)
    assert ledger.active() == ledger.active("a_1") == [waiting]
    ledger.update(waiting, state=CallState.CANCELLED)
    assert ledger.active() == []
