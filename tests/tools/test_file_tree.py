from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path

import pytest

from jmcp_lab.errors import InvalidArgumentError
from jmcp_lab.files import folder_walk as folders

from ..support.robots import Robot, write_notebook


@pytest.fixture
def tree(root: Path) -> Path:
    for name in ("top.txt", "data/a.csv", "data/b.CSV", "data/deep/er/c.csv", "src/x.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("12345")
    return root


def listed(said: str) -> list[str]:
    return [line.split(" · ")[0] for line in said.splitlines()[1:]]


async def test_files_and_folders_are_listed_folder_by_folder(robot: Robot, tree: Path) -> None:
    said = await robot.say("list_files")
    assert said.splitlines()[0] == "8 entries"
    assert listed(said)[:3] == ["top.txt", "data/", "src/"]
    assert "data/a.csv · 5 B" in said


async def test_depth_limits_how_deep_the_listing_goes(robot: Robot, tree: Path) -> None:
    assert listed(await robot.say("list_files", depth=1)) == ["top.txt", "data/", "src/"]
    assert "data/deep/er/c.csv" not in await robot.say("list_files", depth=3)
    assert "data/deep/er/c.csv" in await robot.say("list_files", depth=4)


async def test_a_glob_applies_to_the_name_or_to_the_path(robot: Robot, tree: Path) -> None:
    assert listed(await robot.say("list_files", pattern="*.csv", depth=9)) == [
        "data/a.csv",
        "data/deep/er/c.csv",
    ]
    assert listed(await robot.say("list_files", pattern="data/*.csv", depth=2)) == ["data/a.csv"]
    assert listed(await robot.say("list_files", path="data", pattern="deep/*", depth=2)) == [
        "data/deep/er/"
    ]
    assert await robot.say("list_files", pattern="*.nothing", depth=9) == "0 entries"
    assert listed(await robot.say("list_files", pattern="**/x.py")) == ["src/x.py"]
    assert listed(await robot.say("list_files", pattern="**/top.txt")) == ["top.txt"]


async def test_long_listings_are_paged(robot: Robot, root: Path) -> None:
    for number in range(25):
        (root / f"f{number:02}").write_text("")
    said = await robot.say("list_files", limit=10)
    assert said.startswith("25 entries\n")
    assert said.endswith("… 15 more; continue with list_files(offset=10, limit=10).")
    rest = await robot.say("list_files", limit=20, offset=10)
    assert listed(rest) == [f"f{number:02}" for number in range(10, 25)]


async def test_thousands_of_long_names_stay_within_the_budget(robot: Robot, root: Path) -> None:
    for number in range(500):
        (root / f"{number:03}-{'n' * 150}").write_text("")
    said = await robot.say("list_files", limit=500)
    assert len(said) <= robot.app.services.limits.text
    shown = len(listed(said)) - 1
    assert said.endswith(
        f"… {500 - shown} more; continue with list_files(offset={shown}, limit=500)."
    )


async def test_hidden_files_and_links_out_of_the_root_are_not_listed(
    robot: Robot, tree: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("s")
    (tree / "link").symlink_to(outside)
    (tree / "file-link").symlink_to(outside / "secret.txt")
    (tree / "inner-link").symlink_to(tree / "top.txt")
    (tree / ".hidden").write_text("")
    said = await robot.say("list_files")
    assert "inner-link" in said
    for name in ("secret", "link/", "file-link", ".hidden"):
        assert name not in said.replace("inner-link", "")


@pytest.mark.parametrize("path", ["..", "data/../..", "/etc", "~", "a\\b", "link", "x\0y"])
async def test_a_folder_outside_the_root_is_refused(
    robot: Robot, tree: Path, tmp_path: Path, path: str
) -> None:
    (tree / "link").symlink_to(tmp_path)
    said = await robot.fail("list_files", path=path)
    assert str(tmp_path) not in said


async def test_a_loop_of_links_ends(robot: Robot, tree: Path) -> None:
    (tree / "data" / "again").symlink_to(tree)
    assert len((await robot.say("list_files", depth=20)).splitlines()) < 300


async def test_a_missing_folder_is_an_error_that_names_it(robot: Robot, tree: Path) -> None:
    assert "There is no folder 'nowhere'" in await robot.fail("list_files", path="nowhere")
    assert "There is no folder 'top.txt'" in await robot.fail("list_files", path="top.txt")


@pytest.mark.parametrize("pattern", ["[" * 20_000, "a*" * 50_000])
async def test_the_length_of_a_pattern_is_limited(robot: Robot, pattern: str) -> None:
    with pytest.raises(InvalidArgumentError, match=r"'pattern'.* at most 500"):
        await robot.call("list_files", pattern=pattern)


@pytest.mark.parametrize("pattern", ["[" * 500, "a*" * 250, "*a" * 250])
async def test_the_worst_pattern_ends_soon(robot: Robot, root: Path, pattern: str) -> None:
    for number in range(50):
        (root / ("a" * 200 + str(number))).touch()
    async with asyncio.timeout(20):
        await robot.say("list_files", pattern=pattern)


async def follow(robot: Robot, said: str) -> str:
    """Make the first call that a reply proposes, as it stands."""
    name, arguments = re.findall(
        r"(?:use|continue with) (list_\w+)\((.*?)\)(?= to| for|\.|$)", said, re.MULTILINE
    )[0]
    return await robot.say(name, **eval(f"dict({arguments})"))


def fill(folder: Path, files: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(files):
        (folder / f"n{number:05}.dat").touch()


async def test_a_folder_with_thousands_of_files_hides_no_other_folder(
    robot: Robot, root: Path
) -> None:
    fill(root / "aa" / "many", 6000)
    write_notebook(root, "zz/deep/found.ipynb", "1")
    assert "- zz/deep/found.ipynb" in await robot.say("list_notebooks")
    assert listed(await robot.say("list_files", pattern="*.ipynb")) == ["zz/deep/found.ipynb"]


async def test_the_nearest_folders_are_read_first_when_there_are_too_many_files(
    robot: Robot, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "PIECE", 20)
    monkeypatch.setattr(folders, "MAX_ENTRIES", 100)
    for number in range(30):
        fill(root / "aa" / f"{number:02}", 10)
    fill(root / "bb", 500)
    (root / "zz").mkdir()
    (root / "zz" / "found.txt").touch()
    said = await robot.say("list_files", pattern="*.txt")
    assert listed(said)[-1] == "zz/found.txt"
    assert "This is incomplete" in said


async def test_a_listing_names_unread_folders_and_the_call_that_reads_them(
    robot: Robot, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "PIECE", 20)
    monkeypatch.setattr(folders, "MAX_ENTRIES", 40)
    for number in range(30):
        fill(root / "aa" / f"it's {number:02}", 3)
    said = await robot.say("list_files", pattern="aa/*/*2.dat")
    assert re.search(r"Not read: 'aa/it's \d\d' and \d\d more folders; ", said), said
    assert listed(await follow(robot, said))[0].endswith("2.dat")
    said = await robot.say("list_notebooks")
    assert "Not read: " in said
    assert (await follow(robot, said)) == "0 notebooks"


async def test_a_partly_read_folder_is_named(
    robot: Robot, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "PIECE", 20)
    monkeypatch.setattr(folders, "MAX_ENTRIES", 60)
    fill(root / "big", 500)
    said = await robot.say("list_files")
    assert "Read in part: 'big'; use list_files(path='big') for more" in said
    said = await robot.say("list_files", path="big")
    assert "Read in part: 'big'; use code in a kernel for more" in said
    assert said.startswith("60 entries. ")


async def test_folders_too_deep_for_a_glob_are_named_with_the_call_that_reads_them(
    robot: Robot, tree: Path
) -> None:
    said = await robot.say("list_files", pattern="c.csv", depth=2)
    assert listed(await follow(robot, said)) == ["data/deep/er/c.csv"]
    write_notebook(tree, "1/2/3/4/5/6/7/8/9/deep.ipynb", "1")
    said = await robot.say("list_notebooks")
    assert said.startswith("0 notebooks. ")
    assert "- 1/2/3/4/5/6/7/8/9/deep.ipynb" in await follow(robot, said)


async def test_the_proposed_next_page_has_the_same_folder_and_glob(
    robot: Robot, root: Path
) -> None:
    fill(root / "data", 30)
    said = await robot.say("list_files", path="data", pattern="*5.dat", depth=1, limit=2)
    assert (
        "continue with list_files(path='data', pattern='*5.dat', depth=1, offset=2, limit=2)."
        in said
    )
    assert listed(await follow(robot, said)) == ["data/n00025.dat"]


async def test_a_listing_shows_what_the_contents_manager_itself_would_show(
    robot: Robot, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tree / "again").symlink_to(tree / "data")
    (tree / "nowhere").symlink_to(tree / "gone")
    (tree / "round").symlink_to(tree / "round")
    os.mkfifo(tree / "pipe")
    (tree / "__pycache__").mkdir()
    (tree / "b.pyc").touch()
    (tree / ".hidden").mkdir()
    (tree / ".hidden" / "x.txt").touch()
    of_the_disk = await robot.say("list_files", depth=9)
    manager = robot.app.services.contents._manager
    get = manager.get

    async def as_another(*arguments: object, **options: object) -> object:
        return await get(*arguments, **options)

    monkeypatch.setattr(manager, "get", as_another)
    of_the_manager = await robot.say("list_files", depth=9)
    assert "again/" in of_the_disk
    for name in ("pipe", "round", "b.pyc", "__pycache__", "hidden"):
        assert name not in of_the_disk
    assert of_the_disk == of_the_manager
