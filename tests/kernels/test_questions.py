"""What code asks with `input()`: the question, the answer, and every way to get none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jmcp_lab.errors import ConflictError
from jmcp_lab.kernels.runs.run import Piece, Run, RunState

from .conftest import Bench, until

if TYPE_CHECKING:
    from jmcp_lab.kernels.runs.executor import Executor


def ask(executor: Executor, kernel_id: str, bench: Bench, *, there: list[bool]) -> Run:
    """Run the first cell; `there` says, each time that it matters, whether somebody is there."""
    source = str(bench.document.ycells[0]["source"])
    return executor.start(
        kernel_id,
        [Piece(source, "cell0")],
        owner="a",
        notebook=bench.notebook,
        can_ask=lambda: there.pop(0) if there else False,
    )


async def test_an_answer_reaches_the_code_and_the_cell_shows_the_dialogue(
    executor: Executor, kernel_id: str
) -> None:
    bench = Bench("print('Hello!')\nname = input('Who? ')\nprint('Hi', name)")
    run = ask(executor, kernel_id, bench, there=[True] * 3)
    await until(lambda: run.question is not None)
    question = run.question
    assert question is not None
    assert (question.prompt, question.password) == ("Who? ", False)
    await until(lambda: bench.text() == "Hello!\nWho? ")
    assert 'waiting for the user to answer "Who?"' in run.progress()
    run.answer(question.id, "Ada")
    await run.wait()
    assert run.state is RunState.DONE
    assert run.question is None
    assert bench.text() == "Hello!\nWho? Ada\nHi Ada\n"


async def test_each_question_has_its_own_answer(executor: Executor, kernel_id: str) -> None:
    bench = Bench("a = input('1: ')\nb = input('2: ')\na, b")
    run = ask(executor, kernel_id, bench, there=[True] * 3)
    await until(lambda: run.question is not None)
    first = run.question
    assert first is not None
    run.answer(first.id, "x")
    await until(lambda: run.question is not None)
    second = run.question
    assert second is not None
    assert second.prompt == "2: "
    with pytest.raises(ConflictError, match="no longer asked"):
        run.answer(first.id, "late")
    run.answer(second.id, "y")
    await run.wait()
    assert run.results[0].outputs[-1]["data"]["text/plain"] == "('x', 'y')"


async def test_a_password_is_shown_nowhere(executor: Executor, kernel_id: str) -> None:
    bench = Bench("from getpass import getpass\nlen(getpass('Secret: '))")
    run = ask(executor, kernel_id, bench, there=[True] * 3)
    await until(lambda: run.question is not None)
    question = run.question
    assert question is not None
    assert question.password
    run.answer(question.id, "open sesame")
    await run.wait()
    shown, length = bench.outputs()
    assert shown["text"] == "Secret: ········\n"
    assert length["data"]["text/plain"] == "11"


async def test_no_answer_ends_the_input(executor: Executor, kernel_id: str) -> None:
    bench = Bench("input('Who? ')")
    run = ask(executor, kernel_id, bench, there=[True] * 3)
    await until(lambda: run.question is not None)
    assert run.question is not None
    run.answer(run.question.id, None)
    await run.wait()
    assert run.state is RunState.FAILED
    assert run.results[0].error is not None
    assert run.results[0].error[0] == "EOFError"
    assert "the user gave no answer" in (run.results[0].note or "")


async def test_a_question_does_not_wait_for_a_page_that_has_left(
    executor: Executor, kernel_id: str
) -> None:
    bench = Bench("input('Who? ')")
    run = ask(executor, kernel_id, bench, there=[True, False])
    await run.wait()
    assert run.results[0].error is not None
    assert run.results[0].error[0] == "EOFError"


async def test_a_run_that_waits_for_an_answer_can_be_stopped(
    executor: Executor, kernel_id: str
) -> None:
    bench = Bench("input('Who? ')")
    run = ask(executor, kernel_id, bench, there=[True] * 3)
    await until(lambda: run.question is not None)
    await executor.interrupt(run)
    await run.wait()
    assert run.state is RunState.INTERRUPTED
    assert run.question is None
    assert bench.page.state(0) == "idle"


async def test_a_lost_kernel_withdraws_its_question(executor: Executor, kernel_id: str) -> None:
    bench = Bench("import os, threading\nthreading.Timer(0.3, os._exit, [1]).start()\ninput('? ')")
    run = ask(executor, kernel_id, bench, there=[True] * 3)
    await run.wait()
    assert run.state is RunState.DIED
    assert run.question is None
    assert bench.page.state(0) == "idle"
