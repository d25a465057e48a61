from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from jmcp_lab.errors import InvalidArgumentError

from .conftest import Robot


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


async def test_depth_bounds_how_far_down_it_goes(robot: Robot, tree: Path) -> None:
    assert listed(await robot.say("list_files", depth=1)) == ["top.txt", "data/", "src/"]
    assert "data/deep/er/c.csv" not in await robot.say("list_files", depth=3)
    assert "data/deep/er/c.csv" in await robot.say("list_files", depth=4)


async def test_a_glob_is_on_the_name_or_on_the_path(robot: Robot, tree: Path) -> None:
    assert listed(await robot.say("list_files", pattern="*.csv", depth=9)) == [
        "data/a.csv",
        "data/deep/er/c.csv",
    ]
    assert listed(await robot.say("list_files", pattern="data/*.csv", depth=2)) == ["data/a.csv"]
    assert listed(await robot.say("list_files", path="data", pattern="deep/*", depth=2)) == [
        "data/deep/er/"
    ]
    assert await robot.say("list_files", pattern="*.nothing") == "0 entries"


async def test_long_listings_are_paged(robot: Robot, root: Path) -> None:
    for number in range(25):
        (root / f"f{number:02}").write_text("")
    said = await robot.say("list_files", limit=10)
    assert said.startswith("25 entries\n")
    assert said.endswith("… 15 more; list_files(offset=10, limit=10) goes on.")
    rest = await robot.say("list_files", limit=20, offset=10)
    assert listed(rest) == [f"f{number:02}" for number in range(10, 25)]


async def test_thousands_of_long_names_stay_within_the_budget(robot: Robot, root: Path) -> None:
    for number in range(500):
        (root / f"{number:03}-{'n' * 150}").write_text("")
    said = await robot.say("list_files", limit=500)
    assert len(said) <= robot.app.services.limits.text
    shown = len(listed(said)) - 1
    assert said.endswith(f"… {500 - shown} more; list_files(offset={shown}, limit=500) goes on.")


async def test_hidden_files_and_links_that_lead_out_are_not_listed(
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


async def test_a_folder_that_is_not_there_is_an_error_that_names_it(
    robot: Robot, tree: Path
) -> None:
    assert "There is no folder 'nowhere'" in await robot.fail("list_files", path="nowhere")
    assert "There is no folder 'top.txt'" in await robot.fail("list_files", path="top.txt")


@pytest.mark.parametrize("pattern", ["[" * 20_000, "a*" * 50_000])
async def test_a_pattern_has_a_bound(robot: Robot, pattern: str) -> None:
    with pytest.raises(InvalidArgumentError, match=r"'pattern'.* at most 500"):
        await robot.call("list_files", pattern=pattern)


@pytest.mark.parametrize("pattern", ["[" * 500, "a*" * 250, "*a" * 250])
async def test_the_worst_pattern_ends_soon(robot: Robot, root: Path, pattern: str) -> None:
    for number in range(50):
        (root / ("a" * 200 + str(number))).touch()
    async with asyncio.timeout(20):
        await robot.say("list_files", pattern=pattern)
