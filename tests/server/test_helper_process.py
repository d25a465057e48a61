from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jmcp_lab.errors import NotFoundError, UnavailableError
from jmcp_lab.server.containment import StrayError
from jmcp_lab.server.helper_process import Helper, NoHelperError


@pytest.fixture
def helper() -> Iterator[Helper]:
    helper = Helper()
    yield helper
    helper.close()


def fail(name: str) -> None:
    raise NotFoundError(f"There is no '{name}'.")


def fill(size: int) -> int:
    return len(b"x" * size)


def where_to_look() -> list[str]:
    return sys.path


def break_off() -> None:
    raise SystemExit(5)


class Choosy(Exception):
    def __init__(self, one: str, other: str) -> None:
        super().__init__(one + other)


def choosy() -> None:
    raise Choosy("a", "b")


def give_back_a_lock() -> object:
    return threading.Lock()


def speak() -> str:
    print("not an answer", flush=True)
    return "an answer"


def test_another_process_does_the_work_and_is_reused(helper: Helper) -> None:
    first = helper.call(os.getpid)
    assert first != os.getpid()
    assert helper.call(os.getpid) == first
    assert helper.call(sorted, [2, 1], reverse=True) == [2, 1]


def test_an_exception_in_the_process_is_raised_in_the_server(helper: Helper) -> None:
    with pytest.raises(NotFoundError, match=r"There is no 'x'\.") as caught:
        helper.call(fail, "x")
    assert caught.value.code == "not_found"
    # The process is as good as before.
    assert helper.call(len, "abc") == 3


def test_text_printed_by_the_work_is_not_an_answer(helper: Helper) -> None:
    assert helper.call(speak) == "an answer"


def test_half_surrogates_are_passed_through(helper: Helper) -> None:
    assert helper.call(str, "\ud83d") == "\ud83d"


def test_work_that_takes_too_long_is_stopped_and_the_next_call_works(
    helper: Helper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jmcp_lab.server.helper_process.SECONDS", 0.1)
    with pytest.raises(UnavailableError, match="takes longer than"):
        helper.call(time.sleep, 600)
    monkeypatch.undo()
    assert helper.call(len, "abc") == 3


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits memory")
def test_work_that_takes_too_much_memory_ends_only_the_process(helper: Helper) -> None:
    with pytest.raises(UnavailableError, match="takes too much memory"):
        helper.call(fill, 4 << 30)
    assert helper.call(len, "abc") == 3


@pytest.mark.skipif(sys.platform == "win32", reason="nobody knows the memory there")
def test_a_process_that_has_become_large_ends_after_its_answer(helper: Helper) -> None:
    first = helper.call(os.getpid)
    assert helper.call(fill, 400_000_000) == 400_000_000
    assert helper.call(os.getpid) != first


def test_a_killed_process_is_replaced(helper: Helper) -> None:
    first = helper.call(os.getpid)
    os.kill(first, signal.SIGTERM)
    assert helper._process is not None
    helper._process.wait()
    assert helper.call(len, "abc") == 3


def test_a_process_that_ends_when_idle_as_a_call_comes_is_replaced(helper: Helper) -> None:
    assert helper.call(len, "") == 0
    process = helper._process
    assert process is not None
    assert process.stdin is not None
    # As if it had ended between the look at it and the call.
    process.stdin.close()
    process.wait()
    process.returncode = None
    assert helper.call(len, "abc") == 3


def test_a_file_on_the_module_path_is_not_mistaken_for_a_package(
    helper: Helper, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("pickle", "subprocess", "PIL"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(5)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert helper.call(len, "abc") == 3
    assert str(tmp_path) not in helper.call(where_to_look)


@pytest.mark.skipif(sys.platform == "win32", reason="a folder that is in use stays there")
def test_a_server_whose_folder_was_deleted_still_gets_help(
    helper: Helper, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert [helper.call(len, "abc") for _ in range(2)] == [3, 3]


def test_work_that_cannot_be_pickled_is_left_to_the_caller(helper: Helper) -> None:
    deep: list[object] = []
    for _ in range(sys.getrecursionlimit()):
        deep = [deep]
    for thing in (deep, lambda: 3, threading.Lock()):
        with pytest.raises(NoHelperError):
            helper.call(type, thing)
    assert helper.call(len, "abc") == 3


@pytest.mark.parametrize("work", [break_off, choosy, give_back_a_lock])
def test_other_errors_are_not_mistaken_for_lack_of_memory(
    helper: Helper, work: Callable[[], object]
) -> None:
    with pytest.raises((RuntimeError, StrayError, TypeError)):
        helper.call(work)
    assert helper.call(len, "abc") == 3


def test_closing_ends_running_and_waiting_work(helper: Helper) -> None:
    said: list[str] = []

    def call() -> None:
        try:
            helper.call(time.sleep, 5)
        except UnavailableError as error:
            said.append(error.message)

    threads = [threading.Thread(target=call) for _ in range(3)]
    assert helper.call(len, "") == 0
    for thread in threads:
        thread.start()
    # Until one has its turn.
    while not helper._turn.locked():
        pass
    helper.close()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    # Who asked before it was closed was told so; a thread that came after that may go on.
    assert said
    assert all("shutting down" in each for each in said)


def test_a_process_that_cannot_be_started_is_reported(
    helper: Helper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(NoHelperError):
        helper.call(len, "abc")


def test_a_process_that_cannot_import_what_it_needs_is_reported(
    helper: Helper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jmcp_lab.server.helper_process._BEGIN", "import os; os._exit(3)")
    with pytest.raises(NoHelperError):
        helper.call(len, "abc")
