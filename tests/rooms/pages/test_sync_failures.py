"""A page that cannot be brought together with its document: it comes again until it can be."""

from __future__ import annotations

import asyncio
import errno
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Map

from jmcp_lab.notebooks import cells
from jmcp_lab.rooms.kinds import NotebookKind, TextKind
from jmcp_lab.rooms.pages import joining, pages_room, sync_failures
from jmcp_lab.rooms.troubles import Unsaved

from ...support.desk import notebook_of
from ...support.files import Files
from .test_rejoin import NOTEBOOK, TEXT, Shore


class PanicError(BaseException):
    """As pyo3's: it is no `Exception`."""


def raises(kind: type[BaseException] = RuntimeError) -> Callable[[], None]:
    def fails() -> None:
        raise kind

    return fails


def is_full() -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


class Fault:
    """Something that does not work for some time."""

    def __init__(self, patch: pytest.MonkeyPatch, fails: Callable[[], None]) -> None:
        self.patch = patch
        self.fails = fails
        self.times = 0
        self.met = 0

    def strikes(self, owner: Any, name: str, only: Callable[..., bool] = lambda *_: True) -> None:  # noqa: ANN401
        works = getattr(owner, name)

        def does(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401
            if self.times and only(*arguments):
                self.times -= 1
                self.met += 1
                self.fails()
            return works(*arguments, **options)

        self.patch.setattr(owner, name, does)


FAULTS: dict[str, tuple[str, Callable[[], None]]] = {
    "the copy": ("save", is_full),
    "the merge": ("join", raises()),
    "the merge, with a panic": ("join", raises(PanicError)),
    "the answer": ("answer", raises()),
    "what is typed": ("feed", raises()),
    "the document": ("update", raises(PanicError)),
}


class Parted(Shore):
    """A page that comes from before, and something that does not work."""

    def __init__(self, files: Files, kind: tuple[str, str]) -> None:
        super().__init__(files, "a.ipynb" if kind == NOTEBOOK else "a.txt", kind)
        start = json.dumps(notebook_of("one", "two")) if kind == NOTEBOOK else "one\ntwo\n"
        self.where.write_text(start)

    def types(self, text: str) -> None:
        place = self.text if self.kind == TEXT else self.page.notebook.ycells[0]["source"]
        place.insert(0, text)

    @property
    def said(self) -> str:
        return str(self.text) if self.kind == TEXT else "\n".join(self.page.texts)

    @property
    def known(self) -> str:
        content = self.room.document.get()
        if self.kind == TEXT:
            return str(content)
        return "\n".join(cell["source"] for cell in content["cells"])

    @property
    def kept(self) -> str:
        return "".join((self.files.root / copy).read_text() for copy, _ in self.room.copies)

    async def comes_again(self) -> bool:
        """Connect the page anew if its connection has ended; return whether that was so."""
        await self.settle()
        assert self.page.wire is not None
        if self.page.wire.closed is None:
            return False
        assert self.page.wire.closed == joining.TRY_AGAIN_LATER
        await self.page.cut()
        self.page.connect(self.room)
        await self.settle()
        return True


@pytest.fixture
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", [NOTEBOOK, TEXT], ids=["notebook", "text"])
def test_a_page_separated_from_its_document_retries_until_they_are_merged(
    loop: asyncio.Runner,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: tuple[str, str],
    fault: str,
    times: int,
    known: bool,
) -> None:
    monkeypatch.setattr(sync_failures, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(sync_failures, "MAX_PAUSE_SECONDS", 0.0)
    name, fails = FAULTS[fault]
    broken = Fault(monkeypatch, fails)

    async def play() -> None:
        shore = Parted(Files(tmp_path), kind)
        places = {
            "save": (shore.files.manager, "save", lambda *a: "-other" in a[1]),
            "join": (NotebookKind if kind == NOTEBOOK else TextKind, "merge_page"),
            "answer": (joining, "handle_sync_message"),
            "feed": (NotebookKind if kind == NOTEBOOK else TextKind, "before_update"),
            "update": (pages_room, "handle_sync_message", lambda m, _: m[0] == 2),
        }
        broken.strikes(*places[name])  # type: ignore[arg-type]
        await shore.starts()
        await shore.ends(lost=True)
        if not known:
            shore.page.ydoc.get("state", type=Map)["hash"] = "of a file that nobody has"
        shore.types("offline ")
        broken.times = times
        await shore.starts()
        shore.types("typed ")
        if broken.met and name in ("save", "join"):
            assert "offline" not in shore.known
        if kind == NOTEBOOK:
            cells.insert(shore.room.notebook, 2, [cells.NewCell("agent")], "jmcp:a_1")
        for _ in range(10):
            if not await shore.comes_again():
                break
        assert shore.page.wire is not None
        assert shore.page.wire.closed is None
        assert shore.said == shore.known
        assert "typed " in shore.known + shore.kept
        assert "offline " in shore.known + shore.kept
        assert len(shore.room.copies) <= 1
        assert shore.room.sync_failures.failure is None
        # And they stay one.
        broken.times = 0
        shore.types("later ")
        await shore.settle()
        assert shore.said == shore.known
        assert "later " in shore.known
        await shore.ends()

    loop.run(play())


def test_retries_slow_down_while_a_page_cannot_be_merged_with_its_document(
    loop: asyncio.Runner,
) -> None:
    async def play() -> None:
        changes: list[Exception | None] = []
        parted = sync_failures.SyncFailures(lambda: changes.append(parted.failure))
        error = RuntimeError()
        pauses = [parted.failed(error) for _ in range(8)]
        assert pauses == sorted(pauses)
        assert pauses[-1] == pauses[-2] == sync_failures.MAX_PAUSE_SECONDS
        parted.resolved()
        assert changes[-2:] == [error, None]
        assert parted.failed(error) == sync_failures.FIRST_SECONDS
        parted.close()

    loop.run(play())


def test_closing_a_separated_page_ends_its_problem(
    loop: asyncio.Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync_failures, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(sync_failures, "GONE_SECONDS", 0.0)

    async def play() -> None:
        gone = asyncio.Event()
        parted = sync_failures.SyncFailures(lambda: gone.set() if parted.failure is None else None)
        parted.failed(RuntimeError())
        await asyncio.wait_for(gone.wait(), 10)

    loop.run(play())


@pytest.mark.parametrize(
    ("error", "cause"),
    [(OSError(errno.ENOSPC, ""), "the disk is full"), (RuntimeError("/a/b/c"), "(RuntimeError)")],
)
def test_a_person_is_told_why_a_page_is_separated_and_to_keep_it_open(
    error: Exception, cause: str
) -> None:
    words = Unsaved.in_page("a.ipynb", error).words
    assert "'a.ipynb'" in words
    assert cause in words
    # A notification shows so much.
    assert "Keep the page of 'a.ipynb' open" in words[:140]
    assert "/a" not in words


def test_a_page_that_retries_with_more_text_gets_one_copy(
    loop: asyncio.Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync_failures, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(sync_failures, "MAX_PAUSE_SECONDS", 0.0)
    broken = Fault(monkeypatch, raises())
    broken.strikes(NotebookKind, "merge_page")

    async def play() -> None:
        shore = Parted(Files(tmp_path), NOTEBOOK)
        await shore.starts()
        await shore.ends(lost=True)
        shore.types("offline ")
        broken.times = 5
        await shore.starts()
        for number in range(3):
            shore.types(f"typed{number} ")
            assert await shore.comes_again()
        ((copy, _),) = shore.room.copies
        where = tmp_path / copy
        assert "typed2 typed1 typed0 offline one" in where.read_text()
        # What somebody else has made of it is left as it is.
        theirs = where.read_text().replace("offline", "theirs")
        where.write_text(theirs)
        shore.types("more ")
        assert await shore.comes_again()
        assert where.read_text() == theirs
        assert len(shore.room.copies) == 2
        await shore.ends()

    loop.run(play())
