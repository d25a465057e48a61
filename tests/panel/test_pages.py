"""Which pages are open."""

from __future__ import annotations

import asyncio

import pytest

from jmcp_lab.errors import InvalidArgumentError
from jmcp_lab.runtime.open_pages import (
    ALIVE,
    ASLEEP,
    MAX_PAGES,
    MAX_WRITTEN,
    RELOAD_SECONDS,
    OpenPages,
)


class Ticks:
    """A clock that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Ticks:
    return Ticks()


@pytest.fixture
def pages(clock: Ticks) -> OpenPages:
    return OpenPages(clock=clock)


def test_a_page_that_falls_silent_is_gone(pages: OpenPages, clock: Ticks) -> None:
    assert not pages.anyone()
    assert not pages.recently()
    assert not pages.seen("a")
    assert pages.seen("a")
    clock.now += ALIVE
    assert pages.anyone()
    clock.now += 1
    assert not pages.anyone()
    assert pages.looking_at() is None


def test_a_silent_hidden_page_counts_as_recent(pages: OpenPages, clock: Ticks) -> None:
    pages.tell("a", {"visible": True})
    pages.tell("b", {"visible": False})
    pages.forget("a")
    clock.now += ALIVE + 1
    assert not pages.anyone()
    assert pages.recently()
    pages.forget("b")
    assert not pages.recently()


def test_reporting_visibility_does_not_count_as_polling(pages: OpenPages) -> None:
    pages.tell("a", {"visible": True})
    assert pages.anyone()
    assert not pages.seen("a")
    pages.tell("a", {"visible": False})
    assert pages.seen("a")


def test_a_page_that_said_goodbye_may_be_reloading(pages: OpenPages, clock: Ticks) -> None:
    pages.seen("a")
    pages.forget("a")
    assert not pages.anyone()
    assert pages.recently()
    clock.now += RELOAD_SECONDS + 1
    assert not pages.recently()


def test_the_page_with_the_focus_counts(pages: OpenPages, clock: Ticks) -> None:
    pages.tell("a", {"focused": True, "visible": True, "active": {"path": "a.ipynb"}})
    clock.now += 1
    pages.tell("b", {"visible": True, "active": {"path": "b.ipynb"}})
    seen = pages.looking_at()
    assert seen is not None
    assert seen["active"]["path"] == "a.ipynb"
    pages.tell("a", {"focused": False, "visible": False, "active": {"path": "a.ipynb"}})
    seen = pages.looking_at()
    assert seen is not None
    assert seen["active"]["path"] == "b.ipynb"


def test_the_number_of_pages_is_limited(pages: OpenPages, clock: Ticks) -> None:
    for number in range(MAX_PAGES + 10):
        clock.now += 0.1
        pages.seen(f"t{number}")
    assert not pages.seen("t0")
    assert pages.seen(f"t{MAX_PAGES + 9}")


@pytest.mark.parametrize("tab", ["", "a b", "x" * 65, "../a", "é"])
def test_an_id_is_letters_and_digits(pages: OpenPages, tab: str) -> None:
    with pytest.raises(InvalidArgumentError):
        pages.seen(tab)


def telling(path: str, *, dirty: bool, saves: bool = True) -> dict[str, object]:
    return {"open": [{"path": path, "dirty": dirty, "saves": saves}]}


async def test_pages_are_asked_to_save_until_the_last_one_has(pages: OpenPages) -> None:
    rings = []
    pages.ring = lambda: rings.append(pages.errands()["save"])
    pages.tell("a", telling("x.ipynb", dirty=True))
    pages.tell("b", telling("x.ipynb", dirty=True))
    assert pages.paths() == {"x.ipynb"}
    assert await pages.saved("other.ipynb", 10)
    saving = asyncio.create_task(pages.saved("x.ipynb", 10))
    await asyncio.sleep(0)
    assert rings == [["x.ipynb"]]
    pages.tell("a", telling("x.ipynb", dirty=False))
    await asyncio.sleep(0)
    assert not saving.done()
    pages.forget("b")
    assert await saving
    assert pages.errands()["save"] == []


async def test_a_page_without_autosave_is_not_waited_for(pages: OpenPages) -> None:
    pages.ring = lambda: pytest.fail("nobody is to be asked")
    pages.tell("a", telling("x.ipynb", dirty=True, saves=False))
    assert not await pages.saved("x.ipynb", 10)


async def test_a_silent_page_is_waited_for_only_for_a_limited_time(pages: OpenPages) -> None:
    pages.tell("a", telling("x.ipynb", dirty=True))
    assert not await pages.saved("x.ipynb", 0)
    assert pages.errands()["save"] == []


def test_each_write_of_a_file_has_its_own_mark(pages: OpenPages) -> None:
    marks = set()
    for _ in range(3):
        pages.wrote("x.ipynb")
        marks.add(pages.errands()["written"]["x.ipynb"])
    assert len(marks) == 3
    for number in range(MAX_WRITTEN):
        pages.wrote(f"{number}.ipynb")
    assert len(pages.errands()["written"]) == MAX_WRITTEN
    assert "x.ipynb" not in pages.errands()["written"]


def test_unsaved_changes_of_a_sleeping_page_are_remembered(pages: OpenPages, clock: Ticks) -> None:
    pages.tell("a", telling("a.ipynb", dirty=True))
    clock.now += ALIVE + 1
    assert not pages.anyone()
    assert pages.unsaved("a.ipynb")
    assert not pages.unsaved("b.ipynb")
    pages.seen("a")
    assert pages.unsaved("a.ipynb"), "it is back, and has not told yet"
    pages.tell("a", telling("a.ipynb", dirty=False))
    clock.now += ALIVE + 1
    assert not pages.unsaved("a.ipynb")


def test_a_page_that_wakes_up_saves_what_it_was_asked_to_save(
    pages: OpenPages, clock: Ticks
) -> None:
    pages.tell("a", telling("a.ipynb", dirty=True) | {"files": [{"path": "a.txt", "dirty": True}]})
    clock.now += ALIVE * 10
    assert pages.unsaved("a.txt")
    pages.tell("a", telling("a.ipynb", dirty=False))
    assert not pages.unsaved("a.ipynb")
    assert not pages.unsaved("a.txt")


@pytest.mark.parametrize("end", ["goodbye", "a day", "another page"])
def test_a_sleeping_page_does_not_block_a_file_forever(
    pages: OpenPages, clock: Ticks, end: str
) -> None:
    pages.tell("a", telling("a.ipynb", dirty=True))
    clock.now += ALIVE + 1
    assert pages.unsaved("a.ipynb")
    if end == "goodbye":
        pages.forget("a")
    elif end == "a day":
        clock.now += ASLEEP
    else:
        pages.tell("b", telling("a.ipynb", dirty=False))
    assert not pages.unsaved("a.ipynb")


def test_the_number_of_sleeping_pages_is_limited(pages: OpenPages, clock: Ticks) -> None:
    for number in range(3 * MAX_PAGES):
        clock.now += 1
        pages.tell(f"tab{number}", telling(f"{number}.ipynb", dirty=True))
    assert sum(pages.unsaved(f"{number}.ipynb") for number in range(number + 1)) == 2 * MAX_PAGES
