"""Who may read the state, and who may change anything."""

from __future__ import annotations

import httpx2
import pytest

from ..support.rest import Panel

CHANGES = [
    ("POST", "agents", {"label": "mine"}),
    ("PATCH", "agents/{agent}", {"mode": "ask"}),
    ("DELETE", "agents/{agent}", None),
    ("POST", "agents/{agent}/stop", None),
    ("POST", "calls/{call}/decision", {"option": "allow_once", "action_hash": "{hash}"}),
    ("POST", "calls/{call}/input", {"question": "q_1", "value": "Ada"}),
    ("POST", "calls/{call}/ask-again", None),
    ("POST", "calls/{call}/stop", None),
    ("POST", "calls/{call}/undo", None),
    ("DELETE", "grants/g_1", None),
    ("POST", "pairing/p_1/decision", {"option": "allow_once"}),
    ("POST", "stop", None),
    ("POST", "resume", None),
    ("PUT", "pages/tab1", {"visible": True}),
    ("DELETE", "pages/tab1", None),
    ("POST", "saved-as", {"old": "a.ipynb", "new": "b.ipynb"}),
]
IDS = [f"{method} {path}" for method, path, _ in CHANGES]
EVERY_CHANGE = pytest.mark.parametrize(("method", "path", "body"), CHANGES, ids=IDS)


class Attempt:
    """A change that somebody tries, on an agent with a request that waits."""

    def __init__(
        self, panel: Panel, method: str, path: str, body: dict[str, object] | None
    ) -> None:
        self.panel = panel
        self.agent, self.token = panel.app.agents.add("Claude")
        self.call, self.task = panel.app.ask(self.agent)
        self._method, self._path, self._body = method, path, body

    async def by(self, client: httpx2.AsyncClient, **headers: str) -> httpx2.Response:
        call = await self.panel.app.waiting(self.call)
        body = dict(self._body) if self._body is not None else None
        if body is not None and "action_hash" in body:
            body["action_hash"] = call.action_hash
        path = self._path.format(agent=self.agent.id, call=call.id)
        return await client.request(self._method, path, json=body, headers=headers)

    def assert_nothing_happened(self, answer: httpx2.Response, status: int = 403) -> None:
        assert answer.status_code == status, answer.text
        assert set(answer.json()) == {"message", "code"}
        assert "username" not in answer.headers.get("set-cookie", "")
        assert not self.task.done()
        assert self.call.state == "waiting_for_approval"
        assert [each.id for each in self.panel.app.agents.all()] == [self.agent.id]
        assert self.agent.mode.value == "edit"
        assert not self.panel.app.gate.stopped
        assert not self.panel.app.pages.anyone()
        self.task.cancel()


@EVERY_CHANGE
async def test_an_agents_token_changes_nothing(
    panel: Panel, method: str, path: str, body: dict[str, object] | None
) -> None:
    attempt = Attempt(panel, method, path, body)
    browser = await panel.browser()
    for scheme in ("Bearer", "token"):
        headers = {"Authorization": f"{scheme} {attempt.token}"}
        for client in (panel.stranger(), browser):
            answer = await attempt.by(client, **headers)
            assert answer.status_code == 403
    attempt._path += f"?token={attempt.token}"
    attempt.assert_nothing_happened(await attempt.by(browser))


@EVERY_CHANGE
async def test_the_servers_token_changes_nothing(
    panel: Panel, method: str, path: str, body: dict[str, object] | None
) -> None:
    attempt = Attempt(panel, method, path, body)
    browser = await panel.browser()
    headers = {"Authorization": f"token {panel.server_token}"}
    for client in (panel.stranger(), browser):
        answer = await attempt.by(client, **headers)
        assert answer.status_code == 403
        assert "logged in" in answer.json()["message"]
    attempt._path += f"?token={panel.server_token}"
    answer = await attempt.by(panel.stranger())
    assert answer.status_code == 403
    attempt.assert_nothing_happened(await attempt.by(browser))


@EVERY_CHANGE
async def test_an_anonymous_request_changes_nothing(
    panel: Panel, method: str, path: str, body: dict[str, object] | None
) -> None:
    attempt = Attempt(panel, method, path, body)
    attempt.assert_nothing_happened(await attempt.by(panel.stranger()))


@EVERY_CHANGE
async def test_a_login_without_the_xsrf_header_changes_nothing(
    panel: Panel, method: str, path: str, body: dict[str, object] | None
) -> None:
    attempt = Attempt(panel, method, path, body)
    browser = await panel.browser()
    del browser.headers["X-XSRFToken"]
    attempt.assert_nothing_happened(await attempt.by(browser))


@EVERY_CHANGE
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
    ids=str,
)
async def test_a_foreign_page_changes_nothing(
    panel: Panel,
    method: str,
    path: str,
    body: dict[str, object] | None,
    headers: dict[str, str],
) -> None:
    attempt = Attempt(panel, method, path, body)
    attempt.assert_nothing_happened(await attempt.by(await panel.browser(), **headers))


async def test_only_json_is_read(panel: Panel) -> None:
    browser = await panel.browser()
    for content_type in ("text/plain", "application/x-www-form-urlencoded", ""):
        headers = {"Content-Type": content_type}
        answer = await browser.post("agents", content='{"label": "x"}', headers=headers)
        assert answer.status_code == 415
    assert panel.app.agents.all() == []


@pytest.mark.parametrize("read", ["state", "grants"])
async def test_any_login_of_this_server_can_read_but_an_agent_cannot(
    panel: Panel, read: str
) -> None:
    _, token = panel.app.agents.add("Claude")
    browser = await panel.browser()
    assert (await browser.get(read)).status_code == 200
    by_token = panel.stranger(Authorization=f"token {panel.server_token}")
    assert (await by_token.get(read)).status_code == 200
    refused = [
        await panel.stranger().get(read),
        await panel.stranger(Authorization=f"Bearer {token}").get(read),
        await panel.stranger(Authorization=f"token {token}").get(read),
        await panel.stranger().get(f"{read}?token={token}"),
        await by_token.get(read, headers={"Origin": "http://evil.example"}),
    ]
    for answer in refused:
        assert answer.status_code == 403
        assert token not in answer.text
        assert "username" not in answer.headers.get("set-cookie", "")


async def test_no_answer_is_cached(panel: Panel) -> None:
    browser = await panel.browser()
    assert (await browser.get("state")).headers["cache-control"] == "no-store"
    answer = await browser.post("agents", json={"label": "x"})
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("jp_argv", [["--IdentityProvider.token="]])
async def test_without_authentication_a_page_still_needs_the_xsrf_header(panel: Panel) -> None:
    _, token = panel.app.agents.add("Claude")
    stranger = panel.stranger()
    assert (await stranger.post("agents", json={"label": "x"})).status_code == 403
    assert (await stranger.get("state")).status_code == 200
    agent = panel.stranger(Authorization=f"Bearer {token}")
    assert (await agent.get("state")).status_code == 403
    assert (await agent.post("agents", json={"label": "x"})).status_code == 403


@pytest.mark.parametrize("way", ["header", "address"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("route", ["state", "agents", "grants", "stop", "pages/tab1", "pairing"])
async def test_a_token_gets_no_login_from_these_routes(
    panel: Panel, route: str, method: str, way: str
) -> None:
    client = panel.stranger()
    if way == "header":
        client.headers["Authorization"] = f"token {panel.server_token}"
    else:
        route += f"?token={panel.server_token}"
    answer = await client.request(method, route, json={})
    assert "username" not in answer.headers.get("set-cookie", "")
    client.headers.pop("Authorization", None)
    assert (await client.get("state")).status_code == 403
