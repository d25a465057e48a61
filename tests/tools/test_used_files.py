"""A card names the files whose text runs with the code, and a yes holds for that text."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jmcp_lab.calls.call import Call
from jmcp_lab.errors import ConflictError
from jmcp_lab.tools.used_files import UsedFiles

from ..support.robots import Robot, write_notebook


def words(call: Call) -> str:
    assert call.action is not None
    assert call.action.preview is not None
    return call.action.preview.words


CODES = {
    "%run helper.py": "helper.py",
    "%run -i -d helper": "helper.py",
    "import helper": "helper.py",
    "import json, helper as h": "helper.py",
    "try:\n    from helper import fit\nexcept ImportError:\n    pass": "helper.py",
    "a = 1; import helper": "helper.py",
    "import deep.part": "deep/part.py",
    "from deep import part": "deep/part.py",
    "exec(open('helper.py').read())": "helper.py",
    "exec(open('two words.py').read())": "two words.py",
    "importlib.import_module('helper')": "helper.py",
    "!python helper.py --fast": "helper.py",
    "!python -m deep.part": "deep/part.py",
    "!./tool.sh": "tool.sh",
    "%%bash\nbash tool.sh": "tool.sh",
    "source('fit.R')": "fit.R",
    'include("fit.jl")': "fit.jl",
    "import { fit } from './fit.ts'": "fit.ts",
    "%load_ext autoreload\n%aimport helper": "helper.py",
}


@pytest.mark.parametrize("code", CODES)
def test_a_file_that_code_names_is_found_beside_the_notebook(tmp_path: Path, code: str) -> None:
    folder = tmp_path / "work"
    for name in {*CODES.values(), "other.py"}:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("1")
    used = UsedFiles.of([code], str(tmp_path), "work/a.ipynb")
    assert [Path(each.name).as_posix() for each in used.files] == [CODES[code]]
    assert CODES[code] in used.words
    assert not UsedFiles.of([code], str(tmp_path), "a.ipynb").files
    (folder / CODES[code]).write_text("2")
    assert UsedFiles.of([code], str(tmp_path), "work/a.ipynb").marks != used.marks


@given(st.lists(st.text(alphabet="import from.a,/'\"%run -m\n(;py\u202e\0")), st.text())
def test_any_code_is_searched_for_files(sources: list[str], path: str) -> None:
    UsedFiles.of(sources, "/nowhere", path)


def test_a_file_after_many_names_is_not_silently_ignored(tmp_path: Path) -> None:
    (tmp_path / "fit.py").write_text("")
    many = "\n".join(f"# {number}.py" for number in range(1000))
    assert "to look for all of them" in UsedFiles.of([many], str(tmp_path), None).words
    hidden = UsedFiles.of([f"{many}\n%run fit.py"], str(tmp_path), None)
    assert hidden.files == ()
    assert "to look for all of them" in hidden.words
    assert UsedFiles.of(["%run fit.py"], str(tmp_path), None).are_all


@pytest.mark.parametrize("tool", ["execute_cell", "execute_ipython", "insert_execute_code_cell"])
async def test_approving_code_that_runs_a_file_does_not_cover_later_changes_of_it(
    robot: Robot, root: Path, tool: str
) -> None:
    (cell,) = write_notebook(root, "work/a.ipynb", "%run helper.py")
    helper = root / "work" / "helper.py"
    helper.write_text("print('seen')")
    arguments = {
        "execute_cell": {"cells": cell},
        "execute_ipython": {"code": "%run helper.py"},
        "insert_execute_code_cell": {"source": "%run helper.py"},
    }[tool]
    task = robot.start(tool, notebook="work/a.ipynb", **arguments)
    call = await robot.request()
    shown = str(call.action_hash)
    assert "This uses helper.py, whose content is not shown here." in words(call)
    helper.write_text("print('not seen')")
    with pytest.raises(ConflictError, match="changed since you looked"):
        robot.app.gate.decide(call.id, "allow_once", shown, by="Ada")
    await robot.allow()
    assert "not seen" in (await task).text


async def test_a_file_that_shadows_a_module_while_a_card_waits_asks_again(
    robot: Robot, root: Path
) -> None:
    write_notebook(root, "a.ipynb", "1")
    task = robot.start("execute_ipython", notebook="a.ipynb", code="import mine")
    call = await robot.request()
    shown = str(call.action_hash)
    assert words(call) == ""
    (root / "mine.py").write_text("print('came')")
    with pytest.raises(ConflictError, match="changed since you looked"):
        robot.app.gate.decide(call.id, "allow_once", shown, by="Ada")
    assert "mine.py" in words(call)
    robot.app.gate.withdraw(call)
    assert (await task).is_error


async def test_code_for_a_kernel_by_its_id_names_files_as_well(robot: Robot, root: Path) -> None:
    write_notebook(root, "work/a.ipynb", "1")
    (root / "work" / "helper.py").write_text("print('seen')")
    session = await robot.app.services.sessions.start("work/a.ipynb", "python3")
    task = robot.start("execute_ipython", kernel=session.kernel_id, code="import helper")
    assert "helper.py" in words(await robot.request())
    await robot.allow()
    assert "seen" in (await task).text
