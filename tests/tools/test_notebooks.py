from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

from jmcp_lab.agents.modes import AUTO, LOOK

from ..support.robots import MakeRobot, Robot, open_as_page, write_notebook

# -- use_notebook ------------------------------------------------------------------------------


async def test_a_new_notebook_is_valid_and_becomes_the_current_one(
    robot: Robot, root: Path
) -> None:
    said = await robot.say("use_notebook", notebook="new.ipynb", create=True)
    # As in JupyterLab, an open notebook is never without a cell.
    assert said.splitlines()[0] == "Created it. Your current notebook is new.ipynb (1 cell)."
    written = nbformat.read(root / "new.ipynb", 4)
    nbformat.validate(written)
    assert written.metadata.kernelspec.name == "python3"
    assert await robot.app.sessions.find("new.ipynb") is None
    await robot.say("insert_cell", source="x = 1")
    assert (await robot.open("new.ipynb")).ids


async def test_creating_what_exists_uses_it_and_changes_nothing(robot: Robot, root: Path) -> None:
    write_notebook(root, "a.ipynb", "x", "y")
    before = (root / "a.ipynb").read_text()
    said = await robot.say("use_notebook", notebook="a.ipynb", create=True)
    assert said.splitlines()[0] == "Your current notebook is a.ipynb (2 cells)."
    assert (root / "a.ipynb").read_text() == before


async def test_a_missing_notebook_is_not_created_by_accident(robot: Robot, root: Path) -> None:
    said = await robot.fail("use_notebook", notebook="a.ipynb")
    assert "create=True) creates a new one" in said
    assert not (root / "a.ipynb").exists()


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("new", "end in .ipynb. Did you mean 'new.ipynb'?"),
        ("../a.ipynb", "leaves the Jupyter server's root"),
        (".hidden/a.ipynb", "hidden"),
        ("folder", "must end in .ipynb"),
    ],
)
async def test_a_notebook_that_cannot_be_created_says_why(
    robot: Robot, root: Path, path: str, words: str
) -> None:
    (root / "folder").mkdir()
    assert words in await robot.fail("use_notebook", notebook=path, create=True)
    assert await robot.say("list_files") == "1 entry\nfolder/"


async def test_a_file_that_is_not_a_notebook_cannot_be_used(robot: Robot, root: Path) -> None:
    (root / "a.txt").write_text("x")
    assert "is not a notebook" in await robot.fail("use_notebook", notebook="a.txt")
    assert robot.agent.current is None


async def test_mode_look_creates_no_notebook(make_robot: MakeRobot, root: Path) -> None:
    looker = make_robot(LOOK)
    said = await looker.fail("use_notebook", notebook="a.ipynb", create=True)
    assert "does not allow creating files" in said
    assert not (root / "a.ipynb").exists()


async def test_a_kernel_is_started_only_when_named_and_allowed(robot: Robot, root: Path) -> None:
    write_notebook(root, "a.ipynb", "x")
    reply = await robot.run("use_notebook", notebook="a.ipynb", kernel="python3")
    assert "Kernel: python3" in reply.text
    session = await robot.app.sessions.find("a.ipynb")
    assert session is not None
    said = await robot.fail("use_notebook", notebook="a.ipynb", kernel="cobol")
    assert "'cobol' is neither a kernelspec nor the id of a running kernel" in said
    assert "python3" in said


# -- unuse_notebook ----------------------------------------------------------------------------


async def test_unusing_a_notebook_leaves_the_kernel_running(robot: Robot, root: Path) -> None:
    write_notebook(root, "a.ipynb", "x")
    await robot.say("use_notebook", notebook="a.ipynb")
    await robot.app.sessions.start("a.ipynb", "python3")
    assert await robot.say("unuse_notebook") == "a.ipynb is no longer your current notebook."
    assert robot.agent.current is None
    assert await robot.app.sessions.find("a.ipynb") is not None
    assert "no current notebook. Give notebook=" in await robot.fail("unuse_notebook")


async def test_shutting_the_kernel_down_asks(robot: Robot, root: Path) -> None:
    write_notebook(root, "a.ipynb", "x")
    await robot.say("use_notebook", notebook="a.ipynb")
    await robot.app.sessions.start("a.ipynb", "python3")
    task = robot.start("unuse_notebook", shutdown_kernel=True)
    call = await robot.request()
    assert call.summary == "Shut down the kernel of a.ipynb"
    assert [option.kind for option in call.options].count("allow_always") == 0
    await robot.deny()
    assert (await task).is_error
    assert robot.agent.current == "a.ipynb"
    assert await robot.app.sessions.find("a.ipynb") is not None


async def test_an_allowed_shutdown_ends_the_kernel(robot: Robot, root: Path) -> None:
    write_notebook(root, "a.ipynb", "x")
    await robot.app.sessions.start("a.ipynb", "python3")
    reply = await robot.run("unuse_notebook", shutdown_kernel=True, notebook="./a.ipynb")
    assert not reply.is_error
    assert "all variables are gone" in reply.text
    assert await robot.app.sessions.find("a.ipynb") is None


async def test_without_a_kernel_there_is_nothing_to_shut_down(robot: Robot, root: Path) -> None:
    write_notebook(root, "a.ipynb", "x")
    said = await robot.fail("unuse_notebook", notebook="a.ipynb", shutdown_kernel=True)
    assert "no running kernel" in said


# -- list_notebooks ----------------------------------------------------------------------------


async def test_notebooks_are_listed_with_what_is_open_current_and_running(
    robot: Robot, root: Path
) -> None:
    for path in ("a.ipynb", "b/c.ipynb", "page.ipynb", "z.ipynb"):
        write_notebook(root, path, "x")
    (root / "notes.txt").write_text("")
    await robot.say("use_notebook", notebook="b/c.ipynb")
    await open_as_page(robot, "page.ipynb", "notebook")
    await robot.app.sessions.start("a.ipynb", "python3")
    lines = (await robot.say("list_notebooks")).splitlines()
    assert lines[0] == "4 notebooks"
    assert lines[1].startswith("- a.ipynb (kernel python3, ")
    assert "- page.ipynb (open)" in lines
    assert "- z.ipynb" in lines
    assert "- b/c.ipynb (your current notebook; open)" in lines
    assert (await robot.say("list_notebooks", path="b")).splitlines()[0] == "1 notebook"


async def test_many_notebooks_are_paged(robot: Robot, root: Path) -> None:
    for number in range(7):
        write_notebook(root, f"{number}.ipynb")
    said = await robot.say("list_notebooks", limit=3, offset=2)
    assert said.splitlines() == [
        "7 notebooks",
        *(f"- {number}.ipynb" for number in (2, 3, 4)),
        "… 2 more; continue with list_notebooks(offset=5, limit=3).",
    ]


# -- kernels -----------------------------------------------------------------------------------


async def test_a_kernel_is_assigned_by_name_and_by_id(robot: Robot, root: Path) -> None:
    write_notebook(root, "a.ipynb", "x")
    write_notebook(root, "b.ipynb", "x")
    reply = await robot.run("assign_kernel_to_notebook", notebook="a.ipynb", kernel="python3")
    first = await robot.app.sessions.find("a.ipynb")
    assert first is not None
    assert f"a.ipynb now runs on python3 (kernel {first.kernel_id}" in reply.text
    await robot.run("assign_kernel_to_notebook", notebook="b.ipynb", kernel=first.kernel_id)
    second = await robot.app.sessions.find("b.ipynb")
    assert second is not None
    assert second.kernel_id == first.kernel_id
    said = await robot.say("list_kernels")
    assert f"- {first.kernel_id}: python3, " in said
    assert "a.ipynb, b.ipynb" in said


@pytest.mark.parametrize("tool", ["assign_kernel_to_notebook", "use_notebook"])
async def test_in_auto_a_kernel_is_not_replaced_without_asking(
    make_robot: MakeRobot, root: Path, tool: str
) -> None:
    write_notebook(root, "a.ipynb")
    robot = make_robot(AUTO, notebooks=["a.ipynb"], until="30m")
    await robot.say("execute_ipython", notebook="a.ipynb", code="mine = 1")
    before = await robot.app.services.sessions.find("a.ipynb")
    task = robot.start(tool, notebook="a.ipynb", kernel="python3")
    call = await robot.request()
    assert call.action is not None
    assert call.action.preview is not None
    assert "all variables in it will be lost" in str(call.action.preview.items[0].text)
    await robot.deny()
    assert (await task).is_error
    after = await robot.app.services.sessions.find("a.ipynb")
    assert before is not None
    assert after is not None
    assert after.kernel_id == before.kernel_id


async def test_in_auto_the_kernel_of_a_notebook_that_was_not_chosen_is_not_joined_without_asking(
    make_robot: MakeRobot, root: Path
) -> None:
    write_notebook(root, "a.ipynb")
    write_notebook(root, "b.ipynb")
    robot = make_robot(AUTO, notebooks=["a.ipynb"], until="30m")
    theirs = await robot.app.services.sessions.start("b.ipynb", "python3")
    task = robot.start("assign_kernel_to_notebook", notebook="a.ipynb", kernel=theirs.kernel_id)
    call = await robot.request()
    assert call.action is not None
    assert call.action.preview is not None
    assert "already runs b.ipynb" in str(call.action.preview.items[0].text)
    await robot.deny()
    assert (await task).is_error
    assert await robot.app.services.sessions.find("a.ipynb") is None


async def test_a_kernel_started_while_the_person_was_asked_is_not_shut_down(
    robot: Robot, root: Path
) -> None:
    write_notebook(root, "a.ipynb")
    task = robot.start("assign_kernel_to_notebook", notebook="a.ipynb", kernel="python3")
    await robot.request()
    theirs = await robot.app.services.sessions.start("a.ipynb", "python3")
    await robot.allow()
    assert "given another kernel in the meantime" in (await task).text
    now = await robot.app.services.sessions.find("a.ipynb")
    assert now is not None
    assert now.kernel_id == theirs.kernel_id


async def test_code_for_a_given_kernel_runs_in_that_kernel_or_not_at_all(
    make_robot: MakeRobot, robot: Robot, root: Path
) -> None:
    for name in ("a.ipynb", "b.ipynb", "c.ipynb"):
        write_notebook(root, name)
    server = robot.app.serverapp
    assert server is not None
    other = root / "kernels" / "other"
    other.mkdir(parents=True)
    spec = {"argv": ["other"], "display_name": "Other", "language": "other"}
    (other / "kernel.json").write_text(json.dumps(spec))
    server.kernel_spec_manager.kernel_dirs.append(str(other.parent))
    code = "here = globals().get('here', 0) + 1; here"
    auto = make_robot(AUTO, notebooks=["a.ipynb", "c.ipynb"], until="30m")
    await auto.say("execute_ipython", notebook="a.ipynb", code=code)
    theirs = await robot.app.sessions.start("b.ipynb", "python3")
    # Named with another notebook the kernel is still b's, which was not chosen.
    task = auto.start("execute_ipython", notebook="a.ipynb", kernel=theirs.kernel_id, code=code)
    call = await auto.allow()
    assert call.summary == "Run code in the kernel of b.ipynb (not saved in the notebook)"
    assert "1" in (await task).text.splitlines()
    said = await auto.fail("execute_ipython", notebook="a.ipynb", kernel="other", code=code)
    assert "runs on python3, not on other" in said
    task = auto.start("execute_ipython", notebook="c.ipynb", kernel="other", code=code)
    call = await auto.deny()
    assert call.summary == "Start the kernel other for c.ipynb and run code in it"
    assert (await task).is_error


async def test_a_kernel_that_is_unknown_is_refused_before_anybody_is_asked(
    robot: Robot, root: Path
) -> None:
    write_notebook(root, "a.ipynb", "x")
    said = await robot.fail("assign_kernel_to_notebook", notebook="a.ipynb", kernel="cobol")
    assert "Kernelspecs here: python3" in said


async def test_a_denied_kernel_is_not_started(robot: Robot, root: Path) -> None:
    write_notebook(root, "a.ipynb", "x")
    task = robot.start("assign_kernel_to_notebook", notebook="a.ipynb", kernel="python3")
    await robot.deny("Use the cluster")
    assert "Use the cluster" in (await task).text
    assert await robot.app.sessions.find("a.ipynb") is None


async def test_available_and_running_kernels_are_listed(robot: Robot) -> None:
    said = await robot.say("list_kernels")
    assert "Available kernelspecs:\n- python3: Python 3" in said
    assert said.endswith("No kernel is running.")


async def test_without_a_current_notebook_the_call_must_name_one(robot: Robot) -> None:
    for tool in ("list_cells", "read_cells", "interrupt_notebook"):
        assert "call use_notebook first" in await robot.fail(tool)
