from __future__ import annotations

import gc
import threading

import pytest

from jmcp_lab.server.garbage_collector import collector_paused


def test_the_garbage_collector_pauses_while_modules_are_imported_and_resumes_after() -> None:
    with collector_paused():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_failed_import_does_not_leave_the_garbage_collector_off() -> None:
    with pytest.raises(ImportError), collector_paused():
        raise ImportError
    assert gc.isenabled()


def test_a_garbage_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with collector_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_the_garbage_collector_resumes_only_when_the_last_thread_is_done() -> None:
    entered, may_end = threading.Event(), threading.Event()

    def work() -> None:
        with collector_paused():
            entered.set()
            may_end.wait()

    thread = threading.Thread(target=work)
    thread.start()
    entered.wait()
    with collector_paused():
        pass
    assert not gc.isenabled()
    may_end.set()
    thread.join()
    assert gc.isenabled()


def test_cycles_are_collected_even_when_pauses_always_overlap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("jmcp_lab.server.garbage_collector.MAX_SECONDS", -1.0)
    collected: list[str] = []
    with collector_paused():
        gc.callbacks.append(lambda phase, info: collected.append(phase))
        try:
            with collector_paused():
                pass
        finally:
            gc.callbacks.pop()
    assert collected == ["start", "stop"]
