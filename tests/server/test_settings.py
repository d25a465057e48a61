"""A setting that is wrong: the others hold, no agent comes in, and the person is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jupyter_server.serverapp import ServerApp
from tornado.httpserver import HTTPServer
from traitlets.config import Config

from jmcp_lab.extension import JmcpLab

from ..support.endpoint import http_client

SOUND = "--JmcpLab.trust_outputs=never"
LAB = "c.JmcpLab.trust_outputs = 'never'\n"


@pytest.fixture
def files() -> dict[str, str]:
    """Return the configuration files of the person, by their names."""
    return {}


@pytest.fixture
def jp_configurable_serverapp(
    files: dict[str, str],
    jp_config_dir: Path,
    jp_configurable_serverapp: Callable[..., ServerApp],
) -> Callable[..., ServerApp]:
    for name, text in files.items():
        (jp_config_dir / name).write_text(text)
    return jp_configurable_serverapp


@pytest.fixture
def app(
    jp_serverapp: ServerApp, http_server: HTTPServer, jp_asyncio_loop: asyncio.AbstractEventLoop
) -> JmcpLab:
    [app] = jp_serverapp.extension_manager.extension_apps["jmcp_lab"]
    jp_asyncio_loop.run_until_complete(app._start_jupyter_server_extension(jp_serverapp))
    return app


async def knock(app: JmcpLab) -> httpx2.Response:
    """Come to the door as an agent that was let in earlier."""
    _, token = app.agents.add("Claude")
    async with http_client(token) as http:
        me = {"name": "test", "version": "1"}
        params = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": me}
        hello: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "initialize"}
        hello["params"] = params
        server = app.serverapp
        assert server is not None
        url = f"http://127.0.0.1:{server.port}{server.base_url}mcp"
        accept = {"Accept": "application/json, text/event-stream"}
        return await http.post(url, json=hello, headers=accept)


@pytest.mark.parametrize(
    ("jp_argv", "files", "words"),
    [
        pytest.param(
            [SOUND, "--JmcpLab.idle_minutes=0.5"],
            {},
            "JmcpLab.idle_minutes is 0.5, but must be a whole number from 1.",
            id="a wrong type on the command line",
        ),
        pytest.param(
            [SOUND, "--JmcpLab.approval_minutes=481"],
            {},
            "JmcpLab.approval_minutes is 481, but must be a whole number from 1 to 480.",
            id="out of bounds",
        ),
        pytest.param(
            [SOUND, "--JmcpLab.harden=yes"],
            {},
            "JmcpLab.harden is yes, but must be True or False.",
            id="no boolean",
        ),
        pytest.param(
            [SOUND, "--JmcpLab.idle_minutes=1", "--JmcpLab.idle_minutes=2"],
            {},
            "JmcpLab.idle_minutes is ",
            id="twice",
        ),
        pytest.param(
            [SOUND, "--JmcpLab.hardn=True"],
            {},
            "There is no setting JmcpLab.hardn. Perhaps JmcpLab.harden.",
            id="an unknown name",
        ),
        pytest.param(
            [SOUND, "--Jmcplab.harden=True"],
            {},
            "There is no setting Jmcplab.harden. Perhaps JmcpLab.harden.",
            id="another name of the class",
        ),
        pytest.param(
            ["--JmcpLab.trust_outputs=never"],
            {"jupyter_server_config.json": '{"JmcpLab": {"harden": "true"}}'},
            "JmcpLab.harden is 'true', but must be True or False.",
            id="a wrong type in a JSON file",
        ),
        pytest.param(
            [],
            {"jupyter_server_config.py": LAB + "c.JmcpLab.idle_minutes = 0.5\n"},
            "JmcpLab.idle_minutes is 0.5, but must be a whole number from 1.",
            id="a wrong type in a Python file",
        ),
        pytest.param(
            [],
            {"jupyter_jmcp_lab_config.py": LAB + "c.JmcpLab.hardened = True\n"},
            "There is no setting JmcpLab.hardened. Perhaps JmcpLab.harden.",
            id="an unknown name in our own file",
        ),
        pytest.param(
            [],
            {"jupyter_config.json": '{"JmcpLab": {"trust_outputs": "never", "send_images": 1.5}}'},
            "JmcpLab.send_images is 1.5, but must be True or False.",
            id="a wrong type in the file of all of Jupyter",
        ),
        pytest.param(
            [SOUND],
            {"jupyter_server_config.py": "c.JmcpLab.harden = Ture\n"},
            "The configuration file jupyter_server_config.py names JmcpLab but set nothing",
            id="a Python file with a mistake",
        ),
        pytest.param(
            [SOUND],
            {"jupyter_jmcp_lab_config.json": '{"JmcpLab": {"harden": true,}}'},
            "The configuration file jupyter_jmcp_lab_config.json names JmcpLab but set nothing",
            id="a JSON file with a mistake",
        ),
    ],
)
async def test_a_wrong_setting_blocks_agents_and_drops_no_other_setting(
    app: JmcpLab, words: str
) -> None:
    assert app.trust_outputs == "never"
    answer = await knock(app)
    assert answer.status_code == 503
    assert words in answer.json()["error"]["message"]
    assert words in str(app.endpoint.error)  # What the panel shows.
    server = app.serverapp
    assert server is not None
    async with http_client() as program:
        url = f"http://127.0.0.1:{server.port}{server.base_url}jmcp-lab/api/pairing"
        asked = await program.post(url, json={"client": "Claude Code"})
    assert asked.status_code == 503
    assert words in asked.json()["message"]


@pytest.mark.parametrize(
    ("jp_argv", "files"),
    [
        pytest.param([SOUND, "--JmcpLab.idle_minutes=1"], {}, id="right ones"),
        pytest.param(
            [SOUND, "--JmcpLab.idle_minutes=1"],
            {"jupyter_server_config.py": "c.JmcpLab.idle_minutes = 'one'\n"},
            id="a wrong one that the command line corrects",
        ),
        pytest.param(
            [SOUND],
            {"jupyter_server_config.py": "# c.JmcpLab.harden = Ture\n", "jupyter_config.json": ""},
            id="files that set nothing of ours",
        ),
        pytest.param([SOUND, "--LabApp.nothing=1", "--Unknown.harden=7"], {}, id="others'"),
    ],
)
async def test_agents_can_connect_when_every_setting_is_right(app: JmcpLab) -> None:
    assert app.trust_outputs == "never"
    assert app.endpoint.error is None
    assert (await knock(app)).status_code == 200


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers())
)


@given(name=st.sampled_from(sorted(JmcpLab.class_own_traits(config=True))), value=VALUES)
def test_any_value_of_a_setting_is_accepted_or_reported_and_others_still_apply(
    name: str, value: object
) -> None:
    other = "send_images" if name != "send_images" else "harden"
    before = getattr(JmcpLab(), other)
    app = JmcpLab(config=Config({"JmcpLab": {name: value, other: not before}}))
    assert getattr(app, other) is not before
    [*wrong] = app.wrong_settings
    assert wrong in ([], [f"JmcpLab.{name}"])
    if not wrong:
        taken = getattr(app, name)
        assert taken == (value.strip("/") or "mcp" if isinstance(value, str) else value)
