"""Two notebooks of the same name in two folders are told apart wherever a person decides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jmcp_lab.agents.modes import ASK
from jmcp_lab.files.names import TITLE_LENGTH, short_path
from jmcp_lab.panel.views import call_view, grant_view

from ..support.robots import MakeRobot, Robot, write_notebook

ASKED: list[tuple[str, dict[str, Any]]] = [
    ("execute_cell", {"all": True}),
    ("insert_execute_code_cell", {"source": "1"}),
    ("execute_ipython", {"code": "1"}),
    ("insert_cell", {"source": "1"}),
    ("clear_outputs", {}),
    ("assign_kernel_to_notebook", {"kernel": "python3"}),
    ("write_file", {"path": "{}/sales.txt", "content": "1"}),
    ("use_notebook", {"notebook": "{}/new.ipynb", "create": True}),
]


@pytest.mark.parametrize(("name", "arguments"), ASKED)
async def test_cards_of_two_notebooks_with_the_same_name_show_their_folders(
    make_robot: MakeRobot, root: Path, name: str, arguments: dict[str, Any]
) -> None:
    robot = make_robot(ASK)
    cards = []
    for folder in ("dev", "prod"):
        write_notebook(root, f"{folder}/sales.ipynb", "1")
        given = {k: v.format(folder) if isinstance(v, str) else v for k, v in arguments.items()}
        if not {"path", "notebook"} & given.keys():
            given["notebook"] = f"{folder}/sales.ipynb"
        task = robot.start(name, **given)
        call = await robot.request()
        cards.append(call_view(call))
        assert f"{folder}/" in call.summary
        for option in call.options:
            assert "sales" not in option.name or f"{folder}/sales.ipynb" in option.name
        robot.app.gate.withdraw(call)
        await task
    assert cards[0]["summary"] != cards[1]["summary"]


async def test_a_grant_names_the_folder(robot: Robot, root: Path) -> None:
    write_notebook(root, "dev/sales.ipynb", "1")
    task = robot.start("execute_cell", notebook="dev/sales.ipynb", all=True)
    call = await robot.allow("allow_always")
    assert not (await task).is_error
    assert call.summary == "Run cell 1 in dev/sales.ipynb"
    (grant,) = robot.app.gate.grants.valid()
    assert grant_view(grant)["path"] == "dev/sales.ipynb"


parts = st.text("abcdefgh-_ ", min_size=1, max_size=40)


@given(st.lists(parts, min_size=1, max_size=12))
def test_a_long_path_keeps_its_name_and_its_nearest_folder(folders: list[str]) -> None:
    path = "/".join(folders)
    short = short_path(path)
    assert short.split("/")[-2:] == folders[-2:]
    if len(path) <= TITLE_LENGTH:
        assert short == path
    # Longer than a title only by what is always whole.
    assert len(short) <= max(TITLE_LENGTH, len("/".join(folders[-2:])) + 2)
