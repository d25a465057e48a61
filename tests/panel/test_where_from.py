"""Which pages may change anything, by which names of the server, and what address they see."""

from __future__ import annotations

import httpx2
import pytest
from jupyter_server.serverapp import ServerApp

from ..support.rest import Panel

EVIL = "http://evil.example"
REMOTE = "--ServerApp.allow_remote_access=True"
OPEN = [REMOTE, "--IdentityProvider.token="]


async def mint(client: httpx2.AsyncClient, **headers: str) -> httpx2.Response:
    return await client.post("agents", json={"label": "mine"}, headers=headers)


@pytest.mark.parametrize(
    "jp_argv",
    [
        [f"--ServerApp.allow_origin={EVIL}", "--ServerApp.allow_credentials=True"],
        ["--ServerApp.allow_origin=*"],
        ["--ServerApp.allow_origin_pat=.*"],
    ],
    ids=str,
)
async def test_no_foreign_page_can_decide_or_read_whatever_the_configuration_says(
    panel: Panel,
) -> None:
    browser = await panel.browser()
    agent, _ = panel.app.agents.add("Claude")
    call, task = panel.app.ask(agent)
    await panel.app.waiting(call)
    yes = {"option": "allow_once", "action_hash": call.action_hash}
    for headers in (
        {"Origin": EVIL},
        {"Origin": EVIL, "Sec-Fetch-Site": "cross-site"},
        {"Origin": EVIL, "Sec-Fetch-Site": "same-site"},
        {"Origin": EVIL, "Sec-Fetch-Site": "none"},
    ):
        refused = [
            await mint(browser, **headers),
            await browser.post(f"calls/{call.id}/decision", json=yes, headers=headers),
            await browser.get("state", headers=headers),
        ]
        for answer in refused:
            assert answer.status_code == 403
            assert "c.ServerApp.allow_origin" in answer.json()["message"]
    assert len(panel.app.agents.all()) == 1
    task.cancel()


@pytest.mark.parametrize(
    "jp_argv",
    [
        [REMOTE, "--ServerApp.allow_origin=*"],
        [REMOTE, "--ServerApp.allow_origin_pat=https://lab[.]example"],
        [REMOTE, "--ServerApp.allow_origin=https://lab.example"],
    ],
    ids=str,
)
async def test_our_own_page_can_decide_behind_a_proxy_that_changes_the_host(panel: Panel) -> None:
    browser = await panel.browser()
    headers = {"Origin": "https://lab.example", "Sec-Fetch-Site": "same-origin"}
    answer = await mint(browser, **headers)
    assert answer.status_code == 201, answer.text
    assert answer.json()["url"].startswith("https://lab.example/")
    assert answer.json()["url"].endswith("/mcp")


async def test_the_url_is_that_of_the_page(panel: Panel) -> None:
    browser = await panel.browser()
    assert (await mint(browser)).json()["url"] == panel.base + "mcp"
    page = {"Origin": "https://lab.example", "Sec-Fetch-Site": "same-origin"}
    put = await browser.put("pages/tab1", json={"visible": True}, headers=page)
    # Jupyter itself does not know this origin, and the panel is a part of Jupyter.
    assert put.status_code == 404
    assert panel.app.pages.address is None
    put = await browser.put("pages/tab1", json={"visible": True})
    assert put.status_code == 204
    assert panel.app.pages.address == panel.base


@pytest.mark.parametrize("jp_argv", [OPEN, [*OPEN, f"--ServerApp.allow_origin={EVIL}"]], ids=str)
@pytest.mark.parametrize(
    "host", ["evil.example", "EVIL.example:8888", "localhost.evil.example", "127.0.0.1.nip.example"]
)
async def test_without_a_login_a_foreign_host_name_is_refused(panel: Panel, host: str) -> None:
    browser = await panel.browser()
    there = {"Host": host, "Origin": f"http://{host}"}
    for answer in (await browser.get("state", headers=there), await mint(browser, **there)):
        assert answer.status_code == 403
        assert "c.ServerApp.local_hostnames = ['" in answer.json()["message"]
    assert panel.app.agents.all() == []


@pytest.mark.parametrize(
    "jp_argv",
    [
        [
            *OPEN,
            "--ServerApp.custom_display_url=https://shown.example/lab",
            "--ServerApp.local_hostnames=mine.example",
        ]
    ],
)
@pytest.mark.parametrize(
    "host",
    ["localhost:1", "127.0.0.1:1", "[::1]:1", "192.0.2.7", "shown.example", "mine.example:8888"],
)
async def test_without_a_login_the_servers_own_names_open_the_panel(
    panel: Panel, host: str
) -> None:
    browser = await panel.browser()
    there = {"Host": host, "Origin": f"http://{host}"}
    assert (await browser.get("state", headers=there)).status_code == 200
    assert (await mint(browser, **there)).status_code == 201


@pytest.mark.parametrize("jp_argv", [[REMOTE]])
async def test_with_a_login_the_panel_works_by_any_name(
    panel: Panel, jp_serverapp: ServerApp
) -> None:
    assert jp_serverapp.identity_provider.auth_enabled
    client = panel.stranger(Host="lab.example")
    assert (await client.get("state")).status_code == 403  # No cookie of that name.
    client.headers["Authorization"] = f"token {panel.server_token}"
    assert (await client.get("state")).status_code == 200
