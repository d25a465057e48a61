"""When a document is saved, on a clock that only the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from hypothesis import given
from hypothesis import strategies as st

from jmcp_lab.files.save_errors import SlowSaveError, save_failure_message
from jmcp_lab.rooms.saving.autosave import MAX_DELAY_SECONDS, MAX_RETRY_SECONDS, Autosave

from ...support.clock import ClockLoop

QUIET = 1.0

FULL = OSError("disk full")


class PanicError(BaseException):
    """As a library in Rust raises it."""


class Document:
    """Something that is saved; writing takes a while, and may fail."""

    def __init__(
        self,
        *,
        takes: float = 0.0,
        failures: int = 0,
        quiet: float | None = QUIET,
        error: BaseException = FULL,
    ) -> None:
        self.says = self.saved = 0
        self.writes: list[float] = []
        self.told: list[Exception | None] = []
        self.takes = takes
        self.failures = failures
        self.error = error
        self.autosave = Autosave(self._write, self.told.append, quiet)

    async def _write(self) -> None:
        self.writes.append(now())
        said = self.says
        await asyncio.sleep(self.takes)
        if self.failures:
            self.failures -= 1
            raise self.error
        self.saved = said

    def change(self, *, wanted: bool = True) -> None:
        self.says += 1
        self.autosave.changed(wanted=wanted)


def now() -> float:
    return asyncio.get_running_loop().time()


def play(story: Callable[[], Awaitable[None]]) -> None:
    with asyncio.Runner(loop_factory=ClockLoop) as runner:
        runner.run(story())


@given(pauses=st.lists(st.floats(0.01, 2 * QUIET), min_size=1, max_size=80))
def test_no_change_waits_longer_than_the_maximum(pauses: list[float]) -> None:
    async def story() -> None:
        document = Document()
        since: dict[int, float] = {}
        for pause in pauses:
            document.change()
            since[document.says] = now()
            await asyncio.sleep(pause)
            waiting = [at for number, at in since.items() if number > document.saved]
            assert all(now() - at <= MAX_DELAY_SECONDS + pause for at in waiting)
        await asyncio.sleep(MAX_DELAY_SECONDS)
        assert document.saved == document.says
        assert not document.autosave.unsaved

    play(story)


@given(
    quiet=st.floats(0.01, 1000),
    error=st.sampled_from([FULL, PanicError("None"), SystemExit(1), asyncio.CancelledError()]),
    steps=st.lists(
        st.sampled_from(["type", "type unwanted", "save", "call off", "wait"]), max_size=12
    ),
    failures=st.integers(0, 5),
)
def test_the_last_change_is_saved_whatever_failed_before(
    quiet: float, error: BaseException, steps: list[str], failures: int
) -> None:
    async def story() -> None:
        document = Document(takes=0.1, failures=failures, quiet=quiet, error=error)
        for step in steps:
            if step.startswith("type"):
                document.change(wanted=step == "type")
            elif step == "wait":
                await asyncio.sleep(MAX_DELAY_SECONDS)
            else:
                saving = document.autosave.save()
                await asyncio.sleep(0)
                if step == "call off":
                    saving.cancel()
                await asyncio.wait([saving])
                if not saving.cancelled():
                    saving.exception()
        document.change()
        # Every failure that is left, and then a save.
        await asyncio.sleep((failures + 2) * (MAX_RETRY_SECONDS + MAX_DELAY_SECONDS))
        assert document.saved == document.says
        assert document.autosave.failure is None

    play(story)


def test_a_save_that_hangs_is_reported_once_and_so_is_its_end() -> None:
    async def story() -> None:
        document = Document(takes=1000)
        document.change()
        await asyncio.sleep(500)
        (error,) = document.told
        assert "'a.ipynb' is not saved: its drive" in save_failure_message("a.ipynb", error)
        assert document.autosave.failure is error
        await asyncio.sleep(1000)
        assert document.told == [error, None]
        assert document.autosave.failure is None
        assert document.saved == document.says

    play(story)


def test_a_save_that_fails_late_is_reported_with_its_cause() -> None:
    async def story() -> None:
        document = Document(takes=100, failures=1)
        document.change()
        await asyncio.sleep(150)
        slow, full = document.told
        assert isinstance(slow, SlowSaveError)
        assert document.autosave.failure is full is FULL

    play(story)


def test_with_autosave_off_a_save_happens_on_request() -> None:
    async def story() -> None:
        document = Document(quiet=None, failures=1)
        document.change()
        await asyncio.sleep(100)
        assert document.writes == []
        await asyncio.wait([document.autosave.save()])
        await asyncio.sleep(100)
        assert len(document.writes) == 1
        await document.autosave.save()
        assert document.saved == 1

    play(story)


def test_a_cell_that_prints_without_a_pause_is_saved_every_few_seconds() -> None:
    async def story() -> None:
        document = Document(takes=0.2)
        for _ in range(200):
            document.change()
            await asyncio.sleep(0.1)
        assert len(document.writes) >= 20 / (MAX_DELAY_SECONDS + 0.3) - 1
        gaps = zip(document.writes, document.writes[1:], strict=False)
        assert all(later - earlier <= MAX_DELAY_SECONDS + 0.3 for earlier, later in gaps)

    play(story)


def test_a_failing_save_is_retried_and_each_failure_reported_once() -> None:
    async def story() -> None:
        document = Document(failures=8)
        document.change()
        await asyncio.sleep(10 * MAX_RETRY_SECONDS)
        assert document.saved == document.says
        assert [error is None for error in document.told] == [False] * 8 + [True]
        assert document.autosave.failure is None
        gaps = [b - a for a, b in zip(document.writes, document.writes[1:], strict=False)]
        assert gaps == sorted(gaps)
        assert max(gaps) <= MAX_RETRY_SECONDS + 0.01

    play(story)


def test_changes_do_not_speed_up_a_failing_save() -> None:
    async def story() -> None:
        document = Document(failures=1000)
        for _ in range(600):
            document.change()
            await asyncio.sleep(0.1)
        assert len(document.writes) < 10

    play(story)


def test_saving_during_a_save_saves_everything_in_the_end() -> None:
    async def story() -> None:
        document = Document(takes=1.0)
        document.change()
        first = document.autosave.save()
        await asyncio.sleep(0.5)
        document.change()
        await document.autosave.save()
        assert first.done()
        assert document.saved == document.says == 2

    play(story)


def test_with_autosave_off_nothing_is_saved_until_somebody_asks() -> None:
    async def story() -> None:
        document = Document()
        document.change(wanted=False)
        await asyncio.sleep(100)
        assert document.writes == []
        assert document.autosave.unsaved
        await document.autosave.save()
        assert document.saved == 1

    play(story)


def test_closing_saves_unsaved_changes_or_reports_that_it_failed() -> None:
    async def story() -> None:
        document = Document(takes=1.0)
        document.change()
        assert await document.autosave.finish(10)
        assert document.saved == 1
        document.takes = 100.0
        document.change()
        assert not await document.autosave.finish(10)
        document.takes = 0.0
        document.failures = 1
        assert not await document.autosave.finish(10)
        document.autosave.close()

    play(story)


def test_nothing_is_saved_after_closing() -> None:
    async def story() -> None:
        document = Document()
        document.change()
        document.autosave.close()
        document.change()
        await asyncio.sleep(100)
        assert document.writes == []

    play(story)


def test_a_save_is_pending_from_the_change_until_it_ends_or_fails() -> None:
    async def story() -> None:
        document = Document(takes=0.5, failures=1)
        assert not document.autosave.pending
        document.change()
        assert document.autosave.pending
        await asyncio.sleep(QUIET + 0.1)
        assert document.autosave.pending
        await asyncio.sleep(0.5)
        # It is tried again, and nobody may rely on that.
        assert document.autosave.failure is FULL
        assert not document.autosave.pending
        await asyncio.sleep(60)
        assert document.saved == 1
        assert not document.autosave.pending

    play(story)


def test_with_autosave_off_no_save_is_pending() -> None:
    async def story() -> None:
        document = Document()
        document.change(wanted=False)
        assert not document.autosave.pending
        by_hand = Document(quiet=None)
        by_hand.change()
        assert not by_hand.autosave.pending

    play(story)
