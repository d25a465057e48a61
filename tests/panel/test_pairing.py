"""Programs ask by HTTP to be let in, and the person answers in the panel."""

from __future__ import annotations

import asyncio
import logging

import httpx2
import pytest

from ..support.rest import Panel


async def ask(client: httpx2.AsyncClient, **headers: str) -> httpx2.Response:
    return await client.post("pairing", json={"client": "Claude Code"}, headers=headers)


async def cards(browser: httpx2.AsyncClient) -> list[dict[str, str]]:
    found: list[dict[str, str]] = (await browser.get("state")).json()["pairings"]
    return found


@pytest.mark.parametrize("credential", ["none", "the server's token"])
async def test_a_program_asks_and_gets_a_token_for_the_chosen_mode(
    panel: Panel, credential: str
) -> None:
    program = panel.stranger()
    if credential != "none":
        program.headers["Authorization"] = f"token {panel.server_token}"
    answer = await ask(program)
    assert answer.status_code == 202
    secret = answer.json()["id"]
    browser = await panel.browser()
    [card] = await cards(browser)
    assert card["client"] == "Claude Code"
    assert secret not in str(card)
    waiting = asyncio.create_task(program.get(f"pairing/{secret}"))
    choice = {"option": "allow_once", "label": "Ada's", "mode": "look"}
    decided = await browser.post(f"pairing/{card['id']}/decision", json=choice)
    assert decided.status_code == 204
    found = (await waiting).json()
    assert found["state"] == "allowed"
    agent = panel.app.agents.verify(found["token"])
    assert agent is not None
    assert (agent.label, agent.mode.value) == ("Ada's", "look")
    assert await cards(browser) == []
    assert (await program.get(f"pairing/{secret}")).status_code == 404


async def test_a_program_that_left_finds_the_token_at_its_next_start(panel: Panel) -> None:
    program = panel.stranger()
    secret = (await ask(program)).json()["id"]
    with pytest.raises(httpx2.ReadTimeout):
        await program.get(f"pairing/{secret}", timeout=0.3)
    browser = await panel.browser()
    [card] = await cards(browser)
    url = f"pairing/{card['id']}/decision"
    assert (await browser.post(url, json={"option": "allow_once"})).status_code == 204
    assert (await program.get(f"pairing/{secret}")).json()["state"] == "allowed"


async def test_a_program_is_told_that_it_was_rejected(panel: Panel) -> None:
    program = panel.stranger()
    secret = (await ask(program)).json()["id"]
    browser = await panel.browser()
    [card] = await cards(browser)
    url = f"pairing/{card['id']}/decision"
    assert (await browser.post(url, json={"option": "maybe"})).status_code == 400
    assert (await browser.post(url, json={"option": "reject_once"})).status_code == 204
    assert (await browser.post(url, json={"option": "allow_once"})).status_code == 409
    assert (await program.get(f"pairing/{secret}")).json() == {"state": "denied"}
    again = await ask(program)
    assert again.status_code == 403
    assert "did not let Claude Code in" in again.json()["message"]
    assert panel.app.agents.all() == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "{own}"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Cookie": "a=b"},
        {"X-Forwarded-For": "203.0.113.7"},
        {"Forwarded": "for=203.0.113.7"},
        {"X-Forwarded-Proto": "https"},
        {"X-Forwarded-Server": "proxy"},
        {"X-Forwarded-Port": "443"},
        {"CF-Connecting-IP": "203.0.113.7"},
        {"True-Client-IP": "203.0.113.7"},
        {"X-Amzn-Trace-Id": "Root=1"},
        {"Host": "evil.example"},
    ],
    ids=str,
)
async def test_web_pages_and_other_computers_cannot_create_a_card(
    panel: Panel, headers: dict[str, str]
) -> None:
    own = panel.base.split("/", 3)[2]
    headers = {name: value.format(own=f"http://{own}") for name, value in headers.items()}
    secret = (await ask(panel.stranger())).json()["id"]
    outside = panel.stranger(**headers)
    assert (await ask(outside)).status_code in (403, 404)
    answer = await outside.get(f"pairing/{secret}")
    assert answer.status_code in (403, 404)
    assert len(panel.app.pairings.waiting()) == 1


async def test_browsers_and_agents_cannot_request_pairing(panel: Panel) -> None:
    _, token = panel.app.agents.add("Claude")
    assert (await ask(await panel.browser())).status_code == 403
    assert (await ask(panel.stranger(), Authorization=f"Bearer {token}")).status_code == 403
    assert panel.app.pairings.waiting() == []


async def test_only_a_name_in_json_is_accepted(panel: Panel) -> None:
    program = panel.stranger()
    plain = {"Content-Type": "text/plain"}
    answer = await program.post("pairing", content='{"client": "x"}', headers=plain)
    assert answer.status_code == 415
    for body in ({}, {"client": 7}, {"client": "x", "mode": "auto"}, []):
        assert (await program.post("pairing", json=body)).status_code == 400
    assert panel.app.pairings.waiting() == []


async def test_the_secret_of_a_program_is_not_logged(
    panel: Panel, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    program = panel.stranger()
    secret = (await ask(program)).json()["id"]
    [pairing] = panel.app.pairings.waiting()
    panel.app.pairings.allow(pairing.id)
    await program.get(f"pairing/{secret}")
    await program.get(f"pairing/{secret}")
    await program.get(f"pairing/{secret}/")
    await program.get(f"pairing/{secret}", headers={"Origin": "http://evil.example"})
    await program.delete(f"pairing/{secret}")
    ours = [r.getMessage() for r in caplog.records if not r.name.startswith("http")]
    assert not any(secret in message for message in ours)


@pytest.mark.parametrize("route", ["state", "agents", "calls/c_1/decision", "stop", "pairing"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
async def test_a_token_in_a_url_is_not_logged(
    panel: Panel, caplog: pytest.LogCaptureFixture, route: str, method: str
) -> None:
    caplog.set_level(logging.DEBUG)
    _, token = panel.app.agents.add("Claude")
    for wrong in (token, panel.server_token):
        answer = await panel.stranger().request(method, f"{route}?token={wrong}")
        assert answer.status_code >= 400 or wrong != token
    ours = [r.getMessage() for r in caplog.records if not r.name.startswith("http")]
    assert not any(token in message or panel.server_token in message for message in ours)
