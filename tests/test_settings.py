"""What an administrator sets reaches the runs and the replies."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
from traitlets.config import Config

from jmcp_lab.extension import JmcpLab

from .support.outputs import read_outputs
from .support.robots import Robot, write_notebook

HERE = Path(__file__).parents[1]
PRINTS = "for i in range(2000): print(i)"


@pytest.fixture
def jp_server_config(jp_server_config: Config, request: pytest.FixtureRequest) -> Config:
    return jp_server_config | Config({"JmcpLab": getattr(request, "param", {})})


@pytest.fixture
def jp_argv(jp_argv: list[str], request: pytest.FixtureRequest) -> list[str]:
    return [*jp_argv, *getattr(request, "param", [])]


def rows(table: str) -> list[list[str]]:
    """Return the cells of a Markdown table, without its head."""
    lines = [line.strip().strip("|") for line in table.strip().splitlines()]
    return [re.split(r"\s*\|\s*", line.strip()) for line in lines[2:]]


def test_the_settings_in_the_readme_match_the_code() -> None:
    settings_table = runpy.run_path(str(HERE / "scripts" / "update_readme.py"))["settings_table"]
    written = (
        (HERE / "README.md")
        .read_text()
        .split("<!-- settings")[1]
        .split("-->", 1)[1]
        .split("<!--")[0]
    )
    assert rows(written) == rows(settings_table())
    assert {row[0] for row in rows(written)} == {
        f"`JmcpLab.{name}`" for name in JmcpLab.class_own_traits(config=True)
    }
    assert all(row[2].endswith(".") for row in rows(written))


async def printed(robot: Robot, root: Path) -> list[dict[str, object]]:
    """Return the outputs of a cell that prints 2,000 lines, 8,890 characters."""
    (cell,) = write_notebook(root, "a.ipynb", PRINTS)
    await robot.run("execute_cell", notebook="a.ipynb", cells=cell)
    shared = (await robot.open("a.ipynb")).cell(cell)
    assert shared is not None
    return read_outputs(shared)


@pytest.mark.parametrize("jp_server_config", [{"output_limit": 2000}], indirect=True)
async def test_a_cell_keeps_start_and_end_within_the_limit_and_says_what_was_cut(
    robot: Robot, root: Path
) -> None:
    head, notice, end = await printed(robot, root)
    assert str(head["text"]).startswith("0\n1\n2\n")
    assert str(end["text"]).endswith("1998\n1999\n")
    assert len(str(head["text"])) + len(str(end["text"])) <= 2000
    found = re.search(r"\[([\d,]+) characters of text left out here", str(notice["data"]))
    assert found is not None
    kept = len(str(head["text"])) + len(str(end["text"]))
    assert kept + int(found[1].replace(",", "")) == 8890


@pytest.mark.parametrize("jp_server_config", [{"output_limit": 0}], indirect=True)
async def test_the_limit_can_be_switched_off(robot: Robot, root: Path) -> None:
    # What is printed here is within the default limit, so the setting itself is looked at.
    assert robot.app.executor._output_limit == 0
    (stream,) = await printed(robot, root)
    assert stream["text"] == "".join(f"{i}\n" for i in range(2000))


FIGURE = (
    "import base64, io\nfrom IPython.display import Image\nfrom PIL import Image as Made\n"
    "data = io.BytesIO()\nMade.new('RGB', (40, 30), 'red').save(data, 'png')\n"
    "Image(data.getvalue())"
)


async def test_images_are_sent_unless_the_call_says_no(robot: Robot, root: Path) -> None:
    (cell,) = write_notebook(root, "a.ipynb", FIGURE)

    def kinds(reply: object) -> list[str]:
        return [type(part).__name__ for part in reply.parts]  # type: ignore[attr-defined]

    where = {"notebook": "a.ipynb"}
    shown = [
        await robot.run("execute_cell", **where, cells=cell),
        await robot.run("execute_ipython", **where, code=FIGURE),
        await robot.run("insert_execute_code_cell", **where, source=FIGURE),
        await robot.call("read_cell", **where, cell=cell),
        await robot.call("read_cell", **where, cell=cell, output=1),
        await robot.call("read_cells", **where),
    ]
    assert all("ImagePart" in kinds(reply) for reply in shown)
    without = [
        await robot.run("execute_cell", **where, cells=cell, images=False),
        await robot.run("execute_ipython", **where, code=FIGURE, images=False),
        await robot.run("insert_execute_code_cell", **where, source=FIGURE, images=False),
        await robot.call("read_cell", **where, cell=cell, images=False),
        await robot.call("read_cell", **where, cell=cell, output=1, images=False),
        await robot.call("read_cells", **where, images=False),
    ]
    for reply in without:
        assert "ImagePart" not in kinds(reply)
        assert "image/png 40x30" in reply.text
        assert "images are off" in reply.text


@pytest.mark.parametrize("jp_server_config", [{"send_images": False}], indirect=True)
async def test_no_call_can_switch_on_images_that_the_server_forbids(
    robot: Robot, root: Path
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", FIGURE)
    reply = await robot.run("execute_cell", notebook="a.ipynb", cells=cell, images=True)
    assert "images are off" in reply.text
    assert [type(part).__name__ for part in reply.parts] == ["TextPart"]


@pytest.mark.parametrize(
    ("jp_argv", "protection"),
    [([], "standard"), (["--IdentityProvider.token="], "open")],
    indirect=["jp_argv"],
)
def test_a_server_without_a_login_is_not_called_protected(app: JmcpLab, protection: str) -> None:
    assert app.protection == protection
