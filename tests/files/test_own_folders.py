"""Jupyter's own folders, wherever they lie: agents neither read, list nor write them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from jupyter_server.serverapp import ServerApp

from jmcp_lab.agents.agent_file import store_path
from jmcp_lab.agents.modes import EDIT, LOOK
from jmcp_lab.files.own_folders import OwnFolders, own_folders

from ..support.robots import MakeRobot, Robot, write_notebook


@pytest.fixture
def jp_root_dir(tmp_path: Path) -> Path:
    """Serve the folder that Jupyter's own ones are in, by names that hide nothing."""
    return tmp_path


@pytest.fixture
def own(jp_serverapp: ServerApp) -> dict[str, str]:
    """Jupyter's folders, relative to the root."""
    server = jp_serverapp
    root = Path(server.root_dir)
    found = {
        "config": server.config_dir,
        "data": server.data_dir,
        "runtime": server.runtime_dir,
        "ipython": os.environ["IPYTHONDIR"],
    }
    return {name: Path(path).relative_to(root).as_posix() for name, path in found.items()}


@pytest.fixture(autouse=True)
def ipython_below_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "my_ipython"))


KINDS = ["config", "data", "runtime", "ipython"]


@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_in_jupyters_own_folders_is_read_listed_or_written(
    make_robot: MakeRobot, own: dict[str, str], root: Path, kind: str
) -> None:
    folder = own[kind]
    (root / folder / "inner").mkdir(parents=True, exist_ok=True)
    (root / folder / "inner/secret.txt").write_text("SECRET")
    write_notebook(root, f"{folder}/inner/n.ipynb", "x = 'SECRET'")
    robot = make_robot(EDIT)
    look = make_robot(LOOK)
    for tool, arguments in (
        ("read_file", {"path": f"{folder}/inner/secret.txt"}),
        ("list_files", {"path": folder}),
        ("list_files", {"path": f"{folder}/inner"}),
        ("list_notebooks", {"path": folder}),
        ("use_notebook", {"notebook": f"{folder}/inner/n.ipynb"}),
        ("read_cells", {"notebook": f"{folder}/inner/n.ipynb"}),
        ("search_notebook", {"notebook": f"{folder}/inner/n.ipynb", "query": "x"}),
    ):
        said = await look.fail(tool, **arguments)
        assert "belongs to Jupyter itself" in said
        assert "ask the user" in said
        assert "SECRET" not in said
        assert str(root) not in said
    for tool, arguments in (
        ("write_file", {"path": f"{folder}/inner/new.py", "content": "x"}),
        ("write_file", {"path": f"{folder}/made/startup/new.py", "content": "x"}),
        ("write_file", {"path": f"{folder}/inner/secret.txt", "content": "x"}),
        ("use_notebook", {"notebook": f"{folder}/new.ipynb", "create": True}),
        ("insert_cell", {"notebook": f"{folder}/inner/n.ipynb", "source": "x"}),
    ):
        assert "belongs to Jupyter itself" in await robot.fail(tool, **arguments)
    assert sorted(os.listdir(root / folder / "inner")) == ["n.ipynb", "secret.txt"]
    assert not (root / folder / "made").exists()
    for tool in ("list_files", "list_notebooks"):
        assert "inner" not in await look.say(tool, path="")


async def test_the_list_of_agents_and_the_connection_files_are_protected(
    robot: Robot, own: dict[str, str], root: Path
) -> None:
    agents = store_path(root / own["data"], root)
    assert agents.exists()
    for path in (agents.relative_to(root).as_posix(), f"{own['runtime']}/kernel-1.json"):
        assert "belongs to Jupyter itself" in await robot.fail("read_file", path=path)
        assert "belongs to Jupyter itself" in await robot.fail(
            "write_file", path=path, content="{}"
        )


@pytest.mark.parametrize("kind", KINDS)
async def test_a_link_to_them_is_refused(
    robot: Robot, own: dict[str, str], root: Path, kind: str
) -> None:
    (root / own[kind]).mkdir(parents=True, exist_ok=True)
    (root / own[kind] / "secret.txt").write_text("SECRET")
    (root / "work").mkdir()
    (root / "work/link").symlink_to(root / own[kind])
    (root / "work/file.txt").symlink_to(root / own[kind] / "secret.txt")
    for path in ("work/link/secret.txt", "work/file.txt"):
        assert "belongs to Jupyter itself" in await robot.fail("read_file", path=path)
        assert "belongs to Jupyter itself" in await robot.fail("write_file", path=path, content="x")
    assert "belongs to Jupyter itself" in await robot.fail("list_files", path="work/link")
    assert (await robot.say("list_files", path="work")).splitlines() == ["0 entries"]
    assert (root / own[kind] / "secret.txt").read_text() == "SECRET"


async def test_everything_else_in_the_same_folder_can_be_used(
    robot: Robot, own: dict[str, str], root: Path
) -> None:
    write_notebook(root, "work/a.ipynb", "x = 1")
    await robot.say("write_file", path="work/b.txt", content="x")
    assert "x" in await robot.say("read_file", path="work/b.txt")
    assert "1 cell" in await robot.say("use_notebook", notebook="work/a.ipynb")
    listed = await robot.say("list_files")
    assert "work/a.ipynb" in listed
    assert "work/b.txt" in listed


# -- odd places ------------------------------------------------------------------------------------


def test_if_the_root_is_a_jupyter_folder_only_jupyters_own_files_are_protected(
    tmp_path: Path,
) -> None:
    (tmp_path / "kernels/x").mkdir(parents=True)
    for root, own in ((tmp_path, tmp_path), (tmp_path / "work", tmp_path)):
        root.mkdir(exist_ok=True)
        folders = OwnFolders(str(root), [str(own)])
        for path in ("a.ipynb", "reports/kernels/x.txt", "jupyter.ipynb", ""):
            assert not folders.hold(path)
    folders = OwnFolders(str(tmp_path), [str(tmp_path)])
    for path in ("kernels", "kernels/x/kernel.json", "jmcp_lab/1/agents.json", "jupyter_x.json"):
        assert folders.hold(path)
    # The root itself among the kernels: somebody works on a kernel.
    assert not OwnFolders(str(tmp_path / "kernels/x"), [str(tmp_path)]).hold("README.md")


def test_in_a_folder_that_jupyter_only_searches_other_files_can_be_used(
    tmp_path: Path,
) -> None:
    (tmp_path / "project/kernels").mkdir(parents=True)
    folders = OwnFolders(str(tmp_path), [], [str(tmp_path / "project")])
    assert folders.hold("project/kernels/x/kernel.json")
    assert not folders.hold("project/a.ipynb")
    assert not folders.hold("kernels")


def test_a_folder_that_does_not_exist_yet_is_protected_in_any_letter_case(tmp_path: Path) -> None:
    folders = OwnFolders(str(tmp_path), [str(tmp_path / "Runtime")])
    assert folders.hold("Runtime/x")
    assert folders.hold("runtime/x")
    # On a disk that tells them apart these are two folders.
    (tmp_path / "Runtime").mkdir()
    (tmp_path / "runtime").mkdir()
    assert folders.hold("Runtime/x")
    if not (tmp_path / "RUNTIME").exists():
        fresh = OwnFolders(str(tmp_path), [str(tmp_path / "Runtime")])
        assert not fresh.hold("runtime/x")


def test_a_folder_created_later_is_protected_at_once(tmp_path: Path) -> None:
    folders = OwnFolders(str(tmp_path), [str(tmp_path / "runtime")])
    assert not folders.hold("work/x")
    (tmp_path / "runtime").mkdir()
    assert folders.hold("runtime/x")


def test_a_listing_leaves_out_what_no_path_may_name(tmp_path: Path) -> None:
    for name in ("data/inner", "shared/kernels", "work"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "work/link").symlink_to(tmp_path / "data")
    (tmp_path / "work/deep").symlink_to(tmp_path / "data/inner")
    (tmp_path / "work/round").symlink_to(tmp_path / "work/round")
    folders = OwnFolders(str(tmp_path), [str(tmp_path / "data")], [str(tmp_path / "shared")])
    for folder in ("", "work", "shared"):
        names = [*os.listdir(tmp_path / folder), "gone", "a\0b"]
        held = {name for name in names[:-1] if folders.hold(f"{folder}/{name}".lstrip("/"))}
        assert set(filter(folders.holds_in(folder), names)) == held
    assert list(filter(folders.holds_in("work"), ["link", "deep", "round"])) == ["link", "deep"]


def test_the_server_is_asked_for_its_folders(jp_serverapp: ServerApp, tmp_path: Path) -> None:
    server = jp_serverapp
    folders = own_folders(server, str(tmp_path))
    for path in (server.cookie_secret_file, server.info_file, server.browser_open_file):
        assert folders.hold(os.path.relpath(path, tmp_path))
