"""Files that run by themselves: a person is asked, in words that say so, or they are refused."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jmcp_lab.agents.modes import AUTO
from jmcp_lab.files.importable import SUFFIXES, KnownModules, Modules

from ..support.robots import MakeRobot, Robot, write_notebook

SHADOWS = [
    # Of the standard library, at any depth: a notebook may be anywhere.
    ("warnings.py", "warnings"),
    ("a/b/contextlib.py", "contextlib"),
    ("json/__init__.py", "json"),
    ("Random.PY", "Random"),
    ("queue.cpython-314-x86_64-linux-gnu.so", "queue"),
    # Of what is installed, and of what a kernel or a package only tries to import.
    ("ipykernel_launcher.py", "ipykernel_launcher"),
    ("yaml.pyc", "yaml"),
    ("numpy/__init__.py", "numpy"),
    ("orjson.py", "orjson"),
    ("bottleneck.py", "bottleneck"),
]

SETTINGS = [
    *("Project.toml", "sub/Manifest.toml", "deno.json", "matplotlibrc", "HEAD"),
    *("node_modules/left-pad/index.js", "pyvenv.cfg", "Rprofile.site"),
    *("charts-1.0.dist-info/entry_points.txt", "a/charts.EGG-INFO/PKG-INFO", "charts.egg-link"),
    "charts-1.0.dist-info",
    *("renv/activate.R", "sub/renv/settings.json", "conftest.py", "sub/Conftest.py", "pixi.toml"),
    *("_quarto.yml", "_quarto-local.yaml", "_extensions/a/filter.lua"),
]


def everything(root: Path) -> list[Path]:
    return sorted(root.rglob("*"))


@pytest.mark.parametrize(("path", "module"), SHADOWS)
async def test_a_file_that_shadows_a_module_asks_with_a_warning(
    robot: Robot, root: Path, path: str, module: str
) -> None:
    task = robot.start("write_file", path=path, content="x = 1\n")
    call = await robot.request()
    assert call.summary == f"Create file {path}, which runs by itself"
    assert call.action is not None
    assert call.action.preview is not None
    assert f"has the name of the module {module}." in call.action.preview.words
    # No grant can cover it: allow once, or deny.
    assert [option.kind for option in call.options] == ["allow_once", "reject_once"]
    await robot.deny()
    assert (await task).is_error
    assert os.listdir(root) == []


@pytest.mark.parametrize("path", SETTINGS)
async def test_a_file_that_programs_read_at_start_asks_with_a_warning(
    robot: Robot, root: Path, path: str
) -> None:
    task = robot.start("write_file", path=path, content="x")
    call = await robot.request()
    assert call.summary.endswith("which runs by itself")
    assert call.action is not None
    assert call.action.preview is not None
    assert "runs by itself" in call.action.preview.words
    await robot.deny()
    assert (await task).is_error
    assert not (root / path).exists()


async def test_an_agent_that_may_run_code_asks_too_and_the_card_names_new_folders(
    make_robot: MakeRobot, root: Path
) -> None:
    robot = make_robot(AUTO, notebooks=["a/*.ipynb"], until="stop")
    task = robot.start("write_file", path="a/warnings.py", content="x = 1\n")
    call = await robot.request()
    assert call.action is not None
    assert call.action.preview is not None
    assert "the module warnings." in call.action.preview.words
    assert call.action.preview.words.endswith("Also creates the folder a/.")
    await robot.allow()
    assert (await task).text == "Created a/warnings.py (1 line). Created the folder a/ for it."
    assert (root / "a/warnings.py").read_text() == "x = 1\n"


async def test_a_change_of_such_a_file_shows_the_warning(robot: Robot, root: Path) -> None:
    (root / "warnings.py").write_text("old")
    task = robot.start("write_file", path="warnings.py", content="new")
    call = await robot.request()
    assert call.summary == "Change file warnings.py, which runs by itself"
    await robot.deny()
    assert (await task).is_error


@pytest.mark.parametrize(
    "path",
    [
        *("helpers.py", "src/sales/__init__.py", "src/sales/model.py", "tests/test_sales.py"),
        *("json/notes.py", "warnings.txt", "yaml.md", "manual/conf.py", "Makefile", "run.sh"),
        # Names that only the documentation of what is installed imports.
        *("hello.py", "foo.py", "a/foo.py"),
        *("pyproject.toml", "data/head.csv", "lib/tools.py", "bin/run.py", "config.json"),
    ],
)
async def test_a_file_that_must_be_run_or_imported_by_name_is_created_at_once(
    robot: Robot, root: Path, path: str
) -> None:
    await robot.say("write_file", path=path, content="x = 1\n")
    assert (root / path).is_file()


@pytest.mark.parametrize(
    "path",
    [
        *("a/__pycache__/helpers.cpython-314.pyc", "sitecustomize.so", "usercustomize.pyc"),
        "conf/jupyter_server_config.d/x.json",
        # What is in these folders on the disk, whatever they are called.
        *("venv/lib/x.pth2", "venv/bin/activate", "venv/pyvenv.cfg", "conda/etc/x.sh"),
        *("bare/hooks/post-update", "bare/config"),
    ],
)
async def test_a_part_of_an_installed_program_is_never_written(
    robot: Robot, root: Path, path: str
) -> None:
    (root / "venv").mkdir()
    (root / "venv/pyvenv.cfg").write_text("home = x")
    (root / "conda/conda-meta").mkdir(parents=True)
    for part in ("HEAD", "objects", "refs"):
        (root / "bare" / part).mkdir(parents=True)
    before = everything(root)
    assert "is protected" in await robot.fail("write_file", path=path, content="x")
    assert everything(root) == before


async def test_a_project_in_the_folder_of_its_environment_is_written_freely(
    robot: Robot, root: Path
) -> None:
    (root / "pyvenv.cfg").write_text("home = x")
    await robot.say("write_file", path="analysis.py", content="x")
    await robot.say("write_file", path="src/analysis.py", content="x")
    assert "is protected" in await robot.fail("write_file", path="lib/x.txt", content="x")


async def test_a_link_to_such_a_folder_changes_nothing(robot: Robot, root: Path) -> None:
    (root / ".git/hooks").mkdir(parents=True)
    (root / "harmless").symlink_to(root / ".git")
    said = await robot.fail("write_file", path="harmless/hooks/pre-commit", content="x")
    assert "is protected" in said
    assert os.listdir(root / ".git/hooks") == []


@pytest.mark.parametrize("path", [".Rprofile", ".condarc", ".gitconfig", ".bashrc", ".x/y.txt"])
async def test_hidden_files_are_asked_for_where_the_server_shows_them(
    robot: Robot, root: Path, path: str
) -> None:
    server = robot.app.serverapp
    assert server is not None
    server.contents_manager.allow_hidden = True
    task = robot.start("write_file", path=path, content="x")
    call = await robot.request()
    assert call.summary.endswith("which runs by itself")
    await robot.deny()
    assert (await task).is_error
    assert os.listdir(root) == []


async def test_a_kernel_really_runs_a_file_that_shadows_a_module(robot: Robot, root: Path) -> None:
    write_notebook(root, "a.ipynb", "x = 1")
    await robot.run("write_file", path="orjson.py", content="open('ran', 'w').close()\n")
    await robot.run("execute_ipython", notebook="a.ipynb", code="import orjson")
    assert (root / "ran").exists()


async def test_a_kernel_really_runs_plugins_of_a_package_declared_beside_it(
    robot: Robot, root: Path
) -> None:
    write_notebook(root, "a.ipynb", "x = 1")
    await robot.say("write_file", path="charts.py", content="open('ran', 'w').close()\n")
    info = "charts-1.0.dist-info/entry_points.txt"
    await robot.run("write_file", path=info, content="[pydantic]\ncharts = charts:x\n")
    code = "import pydantic\nclass A(pydantic.BaseModel): pass"
    await robot.run("execute_ipython", notebook="a.ipynb", code=code)
    assert (root / "ran").exists()


# -- names ---------------------------------------------------------------------------------------

FOLDERS = st.lists(st.sampled_from(["a", "data", "json", "My folder"]), max_size=3)


@given(
    folders=FOLDERS,
    name=st.sampled_from(sorted(sys.stdlib_module_names)),
    suffix=st.sampled_from(SUFFIXES),
    package=st.booleans(),
)
def test_every_standard_library_module_is_known_in_every_form(
    folders: list[str], name: str, suffix: str, package: bool
) -> None:
    path = "/".join([*folders, *([name, "__init__"] if package else [name])]) + suffix
    assert Modules().shadowed(path) is not None


async def test_packages_installed_later_or_for_another_kernel_are_known_too(tmp_path: Path) -> None:
    program = tmp_path / "env/bin/python3"
    packages = tmp_path / "env/lib/python3.13/site-packages"
    for folder in (packages / "regular", packages / "spaces/inner"):
        folder.mkdir(parents=True)
        (folder / "__init__.py").touch()
    known = KnownModules(str(tmp_path / "root"))
    assert (await known.of()).shadowed("regular.py") is None
    modules = await known.of([str(program), "R", "/usr/bin/env"])
    assert modules.shadowed("a/regular.py") == "regular"
    assert modules.shadowed("regular/part.py") is None
    assert modules.shadowed("spaces/inner/__init__.py") == "spaces.inner"
    assert modules.shadowed("spaces/own.py") is None
    (packages / "later.py").touch()
    os.utime(packages, (1, 1))
    assert (await known.of([str(program)])).shadowed("later.py") == "later"


async def test_a_persons_own_modules_below_the_root_shadow_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "helpers.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    known = KnownModules(str(tmp_path))
    assert (await known.of()).shadowed("a/helpers.py") is None


async def test_a_new_module_asks_if_a_notebook_has_imported_one_of_that_name(
    robot: Robot, root: Path
) -> None:
    (root / "elsewhere").mkdir()
    (root / "elsewhere" / "mine.py").write_text("x = 1")
    (cell, missing) = write_notebook(
        root,
        "work/a.ipynb",
        "import sys; sys.path.append('../elsewhere')\nimport mine",
        "import to_come",
    )
    await robot.run("execute_cell", notebook="work/a.ipynb", cells=cell)
    assert (await robot.run("execute_cell", notebook="work/a.ipynb", cells=missing)).is_error
    for path in ("work/mine.py", "work/mine/__init__.py", "work/mine.so"):
        task = robot.start("write_file", path=path, content="x = 2")
        call = await robot.request()
        assert call.action is not None
        assert call.action.preview is not None
        assert "work/a.ipynb has imported a module mine from elsewhere" in call.action.preview.words
        robot.app.gate.withdraw(call)
        assert (await task).is_error
    # What the notebook has asked for in vain, and what is in another folder, takes no place.
    for path in ("work/to_come.py", "mine.py", "elsewhere/mine.py", "work/mine.txt"):
        reply = robot.start("write_file", path=path, content="x = 2")
        if path == "elsewhere/mine.py":
            call = await robot.request()
            assert call.action is not None
            assert call.action.guarded == "it overwrites a file"
            robot.app.gate.withdraw(call)
        assert (await reply).is_error is (path == "elsewhere/mine.py")
