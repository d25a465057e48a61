"""Files that are none, names that are no text, links that lead in circles."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tornado.web import HTTPError

from ..support.robots import Robot, write_notebook

LATIN = os.fsdecode(b"caf\xe9")
WITHIN = 20


@pytest.fixture
def odd(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (root / "good.txt").write_text("good")
    write_notebook(root, "good.ipynb", "1")
    (root / "loop").symlink_to("loop")
    (root / "ping").symlink_to("pong")
    (root / "pong").symlink_to("ping")
    (root / "gone.txt").symlink_to("nowhere")
    (root / "gone.ipynb").symlink_to("nowhere.ipynb")
    (root / "sub").mkdir()
    (root / "sub" / "deep.txt").write_text("deep")
    (root / "sub" / "here").symlink_to("../sub")
    (root / "sub" / "top").symlink_to("..")
    os.mkfifo(root / "pipe.txt")
    os.mkfifo(root / "pipe.ipynb")
    os.mkfifo(root / "pipe.png")
    monkeypatch.chdir(root)  # The path of a socket is short.
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("socket.txt")
        yield root


def listed(said: str) -> list[str]:
    return [line.split(" · ")[0] for line in said.splitlines()[1:]]


async def test_the_good_files_are_listed_beside_the_odd_ones(robot: Robot, odd: Path) -> None:
    said = listed(await robot.say("list_files", depth=20))
    assert {"good.txt", "good.ipynb", "sub/", "sub/deep.txt"} <= set(said)
    # A link that leads back is shown, and not followed again and again.
    assert len([name for name in said if name.endswith("deep.txt")]) == 1
    assert "good.ipynb" in await robot.say("list_notebooks")


NOT_FILES = ("loop", "ping", "loop/x.txt", "gone.txt", "pipe.txt", "pipe.png", "socket.txt")


@pytest.mark.parametrize("name", NOT_FILES)
async def test_what_is_not_a_file_is_refused_with_a_message(
    robot: Robot, odd: Path, name: str
) -> None:
    async with asyncio.timeout(WITHIN):
        for tool, arguments in (
            ("read_file", {}),
            ("write_file", {"content": "x"}),
            ("write_file", {"edits": [{"old": "a", "new": "b"}]}),
        ):
            words = await robot.fail(tool, path=name, **arguments)
            assert "went wrong" not in words
            assert str(odd) not in words
    assert not (odd / "nowhere").exists()


@pytest.mark.parametrize("name", ["loop", "sub/loop.ipynb", "gone.ipynb", "pipe.ipynb"])
async def test_what_is_not_a_notebook_is_refused_with_a_message(
    robot: Robot, odd: Path, name: str
) -> None:
    (odd / "sub" / "loop.ipynb").symlink_to("loop.ipynb")
    async with asyncio.timeout(WITHIN):
        for tool, arguments in (
            ("use_notebook", {"notebook": name}),
            ("use_notebook", {"notebook": name, "create": True}),
            ("list_cells", {"notebook": name}),
            ("insert_cell", {"notebook": name, "source": "1"}),
        ):
            words = await robot.fail(tool, **arguments)
            assert "went wrong" not in words
            assert str(odd) not in words


async def test_a_folder_loop_is_refused_with_a_message(robot: Robot, odd: Path) -> None:
    assert "back to itself" in await robot.fail("list_files", path="loop")
    assert "pipe" in await robot.fail("list_files", path="pipe.txt")


async def test_names_that_are_not_utf8_are_listed_with_a_note(robot: Robot, root: Path) -> None:
    (root / f"{LATIN}.txt").write_text("x")
    (root / LATIN).mkdir()
    write_notebook(root, f"{LATIN}/inner.ipynb", "1")
    write_notebook(root, f"{LATIN}.ipynb", "1")
    (root / "plain.txt").write_text("y")
    said = await robot.say("list_files")
    assert "plain.txt · 1 B" in said
    lines = [line for line in said.splitlines() if r"caf\udce9" in line]
    assert len(lines) == 4
    assert all("its name is not UTF-8" in line for line in lines)
    notebooks = await robot.say("list_notebooks")
    assert notebooks.count("its name is not UTF-8") == 2
    # As the agent sees it in a listing, and as some clients would show it.
    assert "relative" in await robot.fail("read_file", path=r"caf\udce9.txt")
    words = await robot.fail("read_file", path="caf\ufffd.txt")
    assert "There is no file" in words


@pytest.mark.parametrize(
    "error", [PermissionError(13, "Permission denied"), HTTPError(403), HTTPError(404)]
)
async def test_an_unreadable_folder_does_not_affect_others(
    robot: Robot, root: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    for name in ("a", "closed", "z"):
        (root / name).mkdir()
        (root / name / "x.txt").write_text("x")
    manager = robot.app.services.contents._manager
    get = manager.get

    async def refuse(path: str, **kwargs: object) -> object:
        # The tests may run as root, to whom no folder is closed.
        if path == "closed" and kwargs.get("content"):
            raise error
        return await get(path, **kwargs)

    monkeypatch.setattr(manager, "get", refuse)
    said = await robot.say("list_files")
    assert "a/x.txt" in said
    assert "z/x.txt" in said
    assert "closed/ (cannot be read)" in said
    words = await robot.fail("list_files", path="closed")
    assert "closed" in words
    assert "went wrong" not in words


async def test_a_very_deep_folder_does_not_break_listings(robot: Robot, root: Path) -> None:
    (root / "good.txt").write_text("good")
    folder = os.open(root, os.O_RDONLY)
    for _ in range(60):
        name = "d" * 100
        os.mkdir(name, dir_fd=folder)
        inner = os.open(name, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(folder)
    said = await robot.say("list_files", depth=20)
    assert "good.txt" in said
    await robot.fail("read_file", path="/".join(["d" * 100] * 9) + "/x.txt")
    await robot.fail("read_file", path="n" * 300)
    await robot.fail("write_file", path="n" * 300, content="x")
