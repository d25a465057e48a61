"""Contents managers from before there were hashes (jupyter-server 2.10), as some still are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jupyter_server.services.contents.largefilemanager import (
    AsyncLargeFileManager,
    LargeFileManager,
)
from traitlets.config import Config

from jmcp_lab.extension import JmcpLab

from ..support.robots import Robot, write_notebook
from ..support.room_page import OpenPage, until


class Early(AsyncLargeFileManager):
    async def get(
        self, path: str, content: bool = True, type: str | None = None, format: str | None = None
    ) -> dict[str, Any]:
        return await super().get(path, content=content, type=type, format=format)


class EarlyInOneGo(LargeFileManager):
    def get(
        self, path: str, content: bool = True, type: str | None = None, format: str | None = None
    ) -> dict[str, Any]:
        return super().get(path, content=content, type=type, format=format)


class WithoutHash(AsyncLargeFileManager):
    async def get(
        self,
        path: str,
        content: bool = True,
        type: str | None = None,
        format: str | None = None,
        **ignored: object,
    ) -> dict[str, Any]:
        model = await super().get(path, content=content, type=type, format=format)
        return {name: value for name, value in model.items() if not name.startswith("hash")}


pytestmark = pytest.mark.filterwarnings("ignore:The synchronous ContentsManager:DeprecationWarning")


@pytest.fixture(params=[Early, EarlyInOneGo, WithoutHash])
def manager(request: pytest.FixtureRequest) -> type:
    return request.param


@pytest.fixture(params=[False, True], ids=["live", "rtc off"])
def rtc_off(request: pytest.FixtureRequest) -> bool:
    return request.param


@pytest.fixture
def jp_server_config(jp_server_config: Config, manager: type, rtc_off: bool) -> Config:
    jp_server_config["ServerApp"]["contents_manager_class"] = manager
    return jp_server_config | Config({"YDocExtension": {"disable_rtc": rtc_off}})


async def test_an_agents_edit_is_in_the_file(robot: Robot, root: Path, app: JmcpLab) -> None:
    write_notebook(root, "a.ipynb", "one")
    await robot.say("insert_cell", notebook="a.ipynb", source="agent")
    await app.rooms.save(app.rooms.find("a.ipynb"))
    assert "agent" in (root / "a.ipynb").read_text()
    write_notebook(root, "a.ipynb", "one", "two", "three")
    await robot.say("insert_cell", notebook="a.ipynb", source="again")
    await until(lambda: "again" in (root / "a.ipynb").read_text())
    assert "three" in (root / "a.ipynb").read_text()


@pytest.mark.parametrize("rtc_off", [False])
async def test_a_page_opens_and_saves(root: Path, open_page: OpenPage) -> None:
    write_notebook(root, "a.ipynb", "one")
    page = await open_page("a.ipynb")
    page.type(0, "typed ")
    await until(lambda: "typed one" in (root / "a.ipynb").read_text())
