"""A notebook's file, and a document of our own over it: nothing that anybody wrote is lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jupyter_server.services.contents.largefilemanager import (
    AsyncLargeFileManager,
    LargeFileManager,
)

from jmcp_lab.errors import NotFoundError
from jmcp_lab.notebooks import cells
from jmcp_lab.rooms.without_live.notebook_file import NotebookFile
from jmcp_lab.text.three_way_merge import Splice

NUMBERS = count()

Content = dict[str, Any]


def code(cell_id: str | None, source: str, **fields: Any) -> Content:
    cell = {
        "cell_type": "code",
        "source": source,
        "metadata": {},
        "outputs": [],
        "execution_count": None,
    }
    return cell | ({} if cell_id is None else {"id": cell_id}) | fields


def notebook(*found: Content, minor: int = 5, **more: Any) -> Content:
    return {"cells": list(found), "metadata": {}, "nbformat": 4, "nbformat_minor": minor} | more


def write(path: Path, content: Content) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, allow_nan=True))


def joined(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a notebook with its texts in one piece each: a file may hold them line by line."""
    if isinstance(value, dict):
        return {
            key: "".join(item) if key in ("source", "text") and isinstance(item, list) else item
            for key, item in ((key, joined(item)) for key, item in value.items())
        }
    return [joined(item) for item in value] if isinstance(value, list) else value


def exact(path: Path) -> str:
    """Return what a notebook says, types and all: 1 and 1.0 are not the same here."""
    return json.dumps(joined(json.loads(path.read_text())), sort_keys=True)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


@pytest.fixture(params=[LargeFileManager, AsyncLargeFileManager])
def manager(request: pytest.FixtureRequest, root: Path) -> object:
    return request.param(root_dir=str(root))


async def opened(manager: object, name: str) -> NotebookFile:
    file = NotebookFile(manager, lambda: name, "id", lambda: None)
    await file.load()
    return file


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(metadata=JSON, extra=JSON, data=JSON, minor=st.integers(0, 5))
def test_unchanged_values_keep_their_content_and_type(
    manager: object, root: Path, metadata: object, extra: object, data: object, minor: int
) -> None:
    asyncio.run(_change_a_count(manager, root, metadata, extra, data, minor))


async def _change_a_count(
    manager: object, root: Path, metadata: object, extra: object, data: object, minor: int
) -> None:
    name = f"same{next(NUMBERS)}.ipynb"
    output = {"output_type": "display_data", "data": {"application/json": data}, "metadata": {}}
    ids = ("a", "b") if minor == 5 else (None, None)
    kept = code(ids[0], "kept", metadata={"x": metadata}, outputs=[output], execution_count=3)
    content = notebook(kept, code(ids[1], "two"), minor=minor, metadata={"y": metadata})
    write(root / name, content | {"extra": extra})
    file = await opened(manager, name)
    before = exact(root / name)
    assert not await file.write()
    assert exact(root / name) == before
    shared = file.notebook
    with shared.transaction("run"):
        cells.shared(shared, shared.ids[1])["execution_count"] = 7.0
    assert await file.write()
    wanted = json.loads(before)
    wanted["cells"][1]["execution_count"] = 7
    assert exact(root / name) == json.dumps(wanted, sort_keys=True)
    file.close()


STEPS = (
    *(["agent types", "agent inserts", "agent deletes", "agent moves"] * 2),
    *(["other types", "other inserts", "other deletes", "other moves"] * 2),
    *(["write"] * 3),
    *(["look"] * 2),
    "other saves as it read",
)


class Play:
    """An agent at work in the document, and another program in the file."""

    def __init__(self, file: NotebookFile, path: Path) -> None:
        self.file = file
        self.path = path
        self.letters = (chr(0x4E00 + number) for number in count())
        self.written: set[str] = set()
        self.gone: set[str] = set()

    def letter(self) -> str:
        """Return a letter that nobody wrote before."""
        new = next(self.letters)
        self.written.add(new)
        return new

    async def step(self, name: str, at: int, where: int) -> None:
        if name == "write":
            await self.file.write()
        elif name == "look":
            await self.file.check()
        elif name.startswith("agent"):
            self.agent(name.split()[1], at, where)
        else:
            self.other(name.split()[1], at, where)

    def agent(self, what: str, at: int, where: int) -> None:
        shared = self.file.notebook
        if what == "inserts" or not shared.ids:
            cells.insert(shared, at % (len(shared.ids) + 1), [cells.NewCell(self.letter())], "a")
            return
        cell_id = shared.ids[at % len(shared.ids)]
        if what == "types":
            place = where % (len(str(shared.source(cell_id))) + 1)
            cells.edit(shared, cell_id, [Splice(place, place, self.letter())], "a")
        elif what == "deletes":
            self.gone |= set(str(shared.source(cell_id)))
            cells.delete(shared, [cell_id], "a")
        else:
            cells.move(shared, [cell_id], where % (len(shared.ids) + 1), "a")

    def other(self, what: str, at: int, where: int) -> None:
        content = json.loads(self.path.read_text())
        found = content["cells"]
        if what == "inserts" or not found:
            found.insert(at % (len(found) + 1), code(f"o{next(NUMBERS)}", self.letter()))
        elif what == "types":
            cell = found[at % len(found)]
            text = "".join(cell["source"])
            place = where % (len(text) + 1)
            cell["source"] = text[:place] + self.letter() + text[place:]
        elif what == "deletes":
            self.gone |= set("".join(found.pop(at % len(found))["source"]))
        elif what == "moves":
            found.insert(where % len(found), found.pop(at % len(found)))
        write(self.path, content)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(STEPS), st.integers(0, 9), st.integers(0, 9)), max_size=25
    )
)
def test_an_agent_and_another_program_lose_nothing_whatever_they_do(
    manager: object, root: Path, steps: list[tuple[str, int, int]]
) -> None:
    asyncio.run(_play(manager, root, steps))


async def _play(manager: object, root: Path, steps: list[tuple[str, int, int]]) -> None:
    name = f"play{next(NUMBERS)}.ipynb"
    write(root / name, notebook(code("a", "one"), code("b", "two"), code("c", "three")))
    file = await opened(manager, name)
    play = Play(file, root / name)
    for what, at, where in steps:
        await play.step(what, at, where)
    await file.write()
    said = "".join(
        "".join(cell["source"]) for cell in json.loads((root / name).read_text())["cells"]
    )
    for letter in play.written:
        # Whoever deletes a cell deletes what it has seen there.
        assert said.count(letter) == 1 or (letter in play.gone and said.count(letter) == 0)
    content = json.loads((root / name).read_text())
    assert [cell["id"] for cell in content["cells"]] == file.notebook.ids
    assert not await file.write()
    file.close()


async def test_a_deleted_file_is_not_created_again(manager: object, root: Path) -> None:
    write(root / "gone.ipynb", notebook(code("a", "one")))
    file = await opened(manager, "gone.ipynb")
    cells.insert(file.notebook, 0, [cells.NewCell("mine")], "a")
    (root / "gone.ipynb").unlink()
    with pytest.raises(NotFoundError):
        await file.write()
    assert not (root / "gone.ipynb").exists()
    assert file.unwritten


async def test_a_file_that_is_being_written_is_waited_for(manager: object, root: Path) -> None:
    path = root / "torn.ipynb"
    whole = notebook(code("a", "one"))
    write(path, whole)
    file = await opened(manager, "torn.ipynb")
    path.write_text(json.dumps(whole)[:40])
    looking = asyncio.ensure_future(file.check())
    started = _read_of(file)
    await started
    write(path, notebook(code("a", "1")))
    assert await looking
    assert file.notebook.source("a") == "1"


def _read_of(file: NotebookFile) -> Awaitable[None]:
    """Return what ends when the file has been read once."""
    done = asyncio.get_running_loop().create_future()
    read: Callable[..., Awaitable[Any]] = file._read

    async def watched(*arguments: Any) -> Any:  # noqa: ANN401
        try:
            return await read(*arguments)
        finally:
            if not done.done():
                done.set_result(None)

    file._read = watched  # type: ignore[method-assign]
    return done
