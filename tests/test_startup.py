from __future__ import annotations

import gc

import pytest

from jmcp_lab.startup import importing


def test_the_garbage_collector_pauses_while_modules_are_imported_and_goes_on_after() -> None:
    with importing():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_failed_import_does_not_leave_the_garbage_collector_off() -> None:
    with pytest.raises(ImportError), importing():
        raise ImportError
    assert gc.isenabled()


def test_a_garbage_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with importing():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
