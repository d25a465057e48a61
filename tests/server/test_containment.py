from __future__ import annotations

import asyncio

import pycrdt
import pytest

from jmcp_lab.server.containment import StrayError, contained, error_name, tell_all


def panic() -> None:
    """Raise what Rust extensions raise: a BaseException of pyo3's."""
    pycrdt.Doc({"a": pycrdt.Array([2**63])})


def test_a_pycrdt_panic_is_turned_into_an_exception() -> None:
    with pytest.raises(BaseException) as plain:  # noqa: PT011 - its class has no importable name
        panic()
    assert not isinstance(plain.value, Exception)
    with pytest.raises(StrayError) as found, contained():
        panic()
    assert error_name(found.value) == type(plain.value).__name__


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, BaseExceptionGroup])
def test_an_error_that_would_end_the_server_becomes_an_exception(kind: type[BaseException]) -> None:
    error = kind("all", [SystemExit(1)]) if kind is BaseExceptionGroup else kind()
    with pytest.raises(StrayError) as found, contained():
        raise error
    assert found.value.__cause__ is error
    assert error_name(found.value) == kind.__name__


def test_ordinary_exceptions_pass_as_they_are() -> None:
    error = ValueError("as it is")
    with pytest.raises(ValueError, match="as it is") as found, contained():
        raise error
    assert found.value is error
    assert error_name(error) == "ValueError"


async def test_a_task_that_is_cancelled_stays_cancelled() -> None:
    inside = asyncio.Event()

    async def work() -> None:
        with contained():
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_a_time_limit_works_through_it() -> None:
    async def wait() -> None:
        async with asyncio.timeout(0):
            with contained():
                await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await wait()


async def test_awaiting_something_else_that_was_cancelled_is_an_error() -> None:
    other = asyncio.get_running_loop().create_future()
    other.cancel()
    with pytest.raises(StrayError), contained():
        await other


def test_a_failing_listener_does_not_stop_the_others() -> None:
    heard: list[int] = []

    def leave(number: int) -> None:
        raise SystemExit(number)

    tell_all([leave, heard.append, leave, heard.append], 3)
    assert heard == [3, 3]
