"""What the panel shows and does."""

from __future__ import annotations

import asyncio

import pytest
from jupyter_server.serverapp import ServerApp

from jmcp_lab.agents.tokens import is_well_formed
from jmcp_lab.errors import DeniedError
from jmcp_lab.panel.doorbell import SCHEMA_ID

from ..support.rest import Panel


async def test_a_new_agent_gets_its_token_once(panel: Panel) -> None:
    browser = await panel.browser()
    answer = await browser.post("agents", json={"label": "Claude", "mode": "ask"})
    assert answer.status_code == 201
    made = answer.json()
    assert set(made) == {"id", "label", "token", "url"}
    assert made["url"] == panel.base + "mcp"
    assert is_well_formed(made["token"])
    assert panel.app.agents.verify(made["token"]).id == made["id"]
    state = (await browser.get("state")).text
    assert made["token"] not in state
    assert panel.app.agents.get(made["id"]).token_hash not in state


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "needs a name"),
        ({"label": ""}, "needs a name"),
        ({"label": "x", "mode": "root"}, "look, ask, edit, auto"),
        ({"label": "x", "mode": "auto"}, "chosen notebooks"),
        ({"label": "x", "mode": "auto", "notebooks": ["*"], "until": "1h"}, "chosen notebooks"),
        ({"label": "x", "mode": "auto", "notebooks": ["a.ipynb"], "until": "9h"}, "8 hours"),
        ({"label": "x", "expires_in": -5}, "seconds"),
        ({"label": "x", "token": "jml"}, "Unknown field 'token'"),
        ([], "object"),
    ],
)
async def test_a_wrong_request_is_told_what_is_wrong(
    panel: Panel, body: object, words: str
) -> None:
    answer = await (await panel.browser()).post("agents", json=body)
    assert answer.status_code == 400
    assert words in answer.json()["message"]
    assert answer.json()["code"] == "invalid_argument"
    assert panel.app.agents.all() == []


async def test_the_state_contains_everything_of_an_agent_except_its_token(panel: Panel) -> None:
    agent, _ = panel.app.agents.add("Claude")
    browser = await panel.browser()
    [before] = (await browser.get("state")).json()["agents"]
    assert before["first_call"] is None
    assert before["connected"] is False
    panel.app.agents.seen(agent, {"name": "claude-code", "version": "2"})
    call, task = panel.app.ask(agent)
    await panel.app.waiting(call)
    [after] = (await browser.get("state")).json()["agents"]
    assert after["connected"] is True
    assert after["claims"] == {"name": "claude-code", "version": "2"}
    assert after["doing"] == "Run cell 1 in sales.ipynb"
    assert after["first_call"].endswith("Z")
    assert "token_hash" not in after
    task.cancel()


async def test_the_state_contains_only_changes(panel: Panel) -> None:
    agent, _ = panel.app.agents.add("Claude")
    browser = await panel.browser()
    first, task = panel.app.ask(agent, "1")
    await panel.app.waiting(first)
    state = (await browser.get("state?since=0&tab=t1")).json()
    assert [call["id"] for call in state["calls"]] == [first.id]
    assert "reset" not in state
    second, other = panel.app.ask(agent, "2")
    await panel.app.waiting(second)
    later = (await browser.get(f"state?since={state['seq']}&tab=t1")).json()
    assert [call["id"] for call in later["calls"]] == [second.id]
    same = (await browser.get(f"state?since={later['seq']}&tab=t1")).json()
    assert same["calls"] == []
    task.cancel()
    other.cancel()


async def test_a_page_of_an_earlier_server_starts_over(panel: Panel) -> None:
    agent, _ = panel.app.agents.add("Claude")
    call, task = panel.app.ask(agent)
    await panel.app.waiting(call)
    browser = await panel.browser()
    for since, tab in ((1, "unknown"), (10_000, "t2")):
        state = (await browser.get(f"state?since={since}&tab={tab}")).json()
        assert state["reset"] is True
        assert [each["id"] for each in state["calls"]] == [call.id]
    state = (await browser.get(f"state?since={state['seq']}&tab=t2")).json()
    assert "reset" not in state
    assert (await browser.get("state?since=x")).status_code == 400
    task.cancel()


async def test_a_page_that_first_reports_what_it_shows_starts_over_too(panel: Panel) -> None:
    agent, _ = panel.app.agents.add("Claude")
    first, task = panel.app.ask(agent)
    await panel.app.waiting(first)
    since = panel.app.ledger.seq
    second, other = panel.app.ask(agent, "2")
    await panel.app.waiting(second)
    browser = await panel.browser()
    # The page has seen that many changes of a server that ran before this one.
    told = await browser.put("pages/t3", json={"visible": True})
    assert told.status_code == 204
    state = (await browser.get(f"state?since={since}&tab=t3")).json()
    assert state["reset"] is True
    assert {call["id"] for call in state["calls"]} == {first.id, second.id}
    task.cancel()
    other.cancel()


async def test_a_card_shows_exactly_what_will_run(panel: Panel) -> None:
    agent, _ = panel.app.agents.add("Claude")
    call, task = panel.app.ask(agent, "<script>\u202e")
    await panel.app.waiting(call)
    [card] = (await (await panel.browser()).get("state")).json()["calls"]
    assert card["preview"] == {
        "kind": "code",
        "language": "python",
        "items": [{"title": "Cell 1", "cell_id": "ab12", "text": "<script>\u202e"}],
        "lines": 1,
        "words": "",
    }
    assert card["target"]["positions"] == [1]
    assert [option["kind"] for option in card["options"]] == [
        "allow_once",
        "allow_always",
        "reject_once",
    ]
    assert card["options"][1]["until"] == "30m"
    assert card["action_hash"].startswith("sha256:")
    task.cancel()


async def test_the_first_decision_wins_and_a_second_gets_409(panel: Panel) -> None:
    agent, _ = panel.app.agents.add("Claude")
    call, task = panel.app.ask(agent)
    await panel.app.waiting(call)
    one, two = await panel.browser(), await panel.browser()
    allow = {"option": "allow_once", "action_hash": call.action_hash}
    answers = await asyncio.gather(
        *(client.post(f"calls/{call.id}/decision", json=allow) for client in (one, two))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    lost = next(answer for answer in answers if answer.status_code == 409).json()
    assert lost["code"] == "conflict"
    assert lost["call"]["id"] == call.id
    assert lost["call"]["decision"]["allowed"] is True
    assert lost["call"]["decision"]["option"] == "allow_once"
    assert lost["call"]["decision"]["by"]
    assert (await task).summary == "Run cell 1 in sales.ipynb"


async def test_a_decision_about_something_else_gets_409(panel: Panel) -> None:
    agent, _ = panel.app.agents.add("Claude")
    call, task = panel.app.ask(agent)
    await panel.app.waiting(call)
    browser = await panel.browser()
    body = {"option": "allow_once", "action_hash": "sha256:" + "0" * 64}
    answer = await browser.post(f"calls/{call.id}/decision", json=body)
    assert answer.status_code == 409
    assert answer.json()["call"]["action_hash"] == call.action_hash
    assert not task.done()
    task.cancel()


async def test_an_answer_that_was_not_offered_gets_400(panel: Panel) -> None:
    agent, _ = panel.app.agents.add("Claude")
    call, task = panel.app.ask(agent)
    await panel.app.waiting(call)
    browser = await panel.browser()
    good = {"action_hash": call.action_hash}
    for body in (
        good | {"option": "reject_always"},
        good | {"option": "allow_always", "until": "8h"},
        good | {"option": "yes"},
        good | {"option": ["allow_once"]},
        good,
        {"option": "allow_once"},
    ):
        answer = await browser.post(f"calls/{call.id}/decision", json=body)
        assert answer.status_code == 400, body
    assert not task.done()
    unknown = await browser.post(
        "calls/c_0/decision", json={"option": "allow_once", "action_hash": call.action_hash}
    )
    assert unknown.status_code == 404
    task.cancel()


async def test_a_denial_carries_its_reason(panel: Panel) -> None:
    agent, _ = panel.app.agents.add("Claude")
    call, task = panel.app.ask(agent)
    await panel.app.waiting(call)
    body = {"option": "reject_once", "action_hash": call.action_hash, "reason": "use polars"}
    answer = await (await panel.browser()).post(f"calls/{call.id}/decision", json=body)
    assert answer.status_code == 200
    assert answer.json()["decision"]["allowed"] is False
    assert answer.json()["decision"]["reason"] == "use polars"
    with pytest.raises(DeniedError, match="use polars"):
        await task


async def test_a_grant_is_shown_and_can_be_revoked(panel: Panel) -> None:
    agent, _ = panel.app.agents.add("Claude")
    call, task = panel.app.ask(agent)
    await panel.app.waiting(call)
    browser = await panel.browser()
    body = {"option": "allow_always", "action_hash": call.action_hash, "until": "30m"}
    assert (await browser.post(f"calls/{call.id}/decision", json=body)).status_code == 200
    await task
    [grant] = (await browser.get("grants")).json()["grants"]
    assert grant["path"] == "sales.ipynb"
    assert grant["agent_label"] == "Claude"
    assert grant["class"] == "run"
    _, covered = panel.app.ask(agent, "2 + 2")
    await asyncio.wait_for(covered, 5)
    assert (await browser.delete(f"grants/{grant['id']}")).status_code == 204
    assert (await browser.delete(f"grants/{grant['id']}")).status_code == 404
    again, asked = panel.app.ask(agent, "3 + 3")
    await panel.app.waiting(again)
    asked.cancel()


async def test_stop_denies_waiting_calls_until_resume(panel: Panel) -> None:
    agent, _ = panel.app.agents.add("Claude")
    call, task = panel.app.ask(agent)
    await panel.app.waiting(call)
    browser = await panel.browser()
    answer = await browser.post("stop")
    assert answer.json() == {"interrupted": 0, "denied": 1}
    with pytest.raises(DeniedError):
        await task
    assert (await browser.get("state")).json()["server"]["paused"] is True
    _, held = panel.app.ask(agent, "2")
    with pytest.raises(DeniedError):
        await held
    assert (await browser.post("resume")).json() == {}
    assert (await browser.get("state")).json()["server"]["paused"] is False


async def test_stopping_an_agent_denies_its_requests_and_pauses_only_it(panel: Panel) -> None:
    agent, _ = panel.app.agents.add("Claude")
    other, _ = panel.app.agents.add("Codex")
    call, task = panel.app.ask(agent)
    others, still_asks = panel.app.ask(other)
    await panel.app.waiting(call)
    await panel.app.waiting(others)
    browser = await panel.browser()
    answer = await browser.post(f"agents/{agent.id}/stop")
    assert (answer.status_code, answer.json()) == (200, {"interrupted": 0, "denied": 1})
    with pytest.raises(DeniedError, match="stopped"):
        await task
    assert agent.paused
    assert others.state == "waiting_for_approval"
    assert (await browser.post("agents/a_0/stop")).status_code == 404
    still_asks.cancel()


async def test_one_call_can_be_stopped(panel: Panel) -> None:
    agent, _ = panel.app.agents.add("Claude")
    call, task = panel.app.ask(agent)
    await panel.app.waiting(call)
    browser = await panel.browser()
    answer = await browser.post(f"calls/{call.id}/stop")
    assert answer.status_code == 200
    assert answer.json()["state"] == "denied"
    with pytest.raises(DeniedError):
        await task
    assert (await browser.post(f"calls/{call.id}/stop")).status_code == 409
    assert (await browser.post("calls/c_0/stop")).status_code == 404


async def test_a_mode_can_be_changed_while_a_request_waits(panel: Panel) -> None:
    agent, _ = panel.app.agents.add("Claude")
    call, task = panel.app.ask(agent)
    await panel.app.waiting(call)
    browser = await panel.browser()
    change = {"mode": "auto", "notebooks": ["sales.ipynb"], "until": "1h"}
    answer = await browser.patch(f"agents/{agent.id}", json=change)
    assert answer.status_code == 200
    assert answer.json()["mode"] == "auto"
    assert answer.json()["until"].endswith("Z")
    await asyncio.wait_for(task, 5)
    wrong = await browser.patch(f"agents/{agent.id}", json={"mode": "auto", "notebooks": ["**"]})
    assert wrong.status_code == 400
    assert (await browser.patch("agents/a_0", json={"mode": "look"})).status_code == 404


async def test_a_revoked_agent_disappears(panel: Panel) -> None:
    agent, token = panel.app.agents.add("Claude")
    browser = await panel.browser()
    assert (await browser.delete(f"agents/{agent.id}")).status_code == 204
    assert panel.app.agents.verify(token) is None
    assert (await browser.get("state")).json()["agents"] == []
    assert (await browser.delete(f"agents/{agent.id}")).status_code == 404


async def test_a_polling_page_counts_as_a_person_who_can_approve(panel: Panel) -> None:
    by_token = panel.stranger(Authorization=f"token {panel.server_token}")
    await by_token.get("state?tab=script")
    assert not panel.app.pages.anyone()
    browser = await panel.browser()
    await browser.get("state?tab=t1")
    assert panel.app.pages.anyone()
    assert (await browser.delete("pages/t1")).status_code == 204
    assert not panel.app.pages.anyone()
    assert panel.app.pages.recently()


async def test_a_page_reports_what_the_person_looks_at(panel: Panel) -> None:
    browser = await panel.browser()
    view = {
        "visible": True,
        "focused": True,
        "active": {
            "path": "a.ipynb",
            "cell_id": "ab12",
            "cursor": {"line": 3, "column": 1},
            "selection": {"start": {}, "end": {}, "text": "x"},
        },
        "open": [{"path": "a.ipynb", "dirty": True}],
    }
    assert (await browser.put("pages/t1", json=view)).status_code == 204
    seen = panel.app.pages.looking_at()
    assert seen is not None
    assert seen["active"]["cell_id"] == "ab12"
    assert seen["active"]["cursor"] == {"line": 3, "column": 1}
    held = {"editing": [], "running": []}
    assert seen["open"] == [{"path": "a.ipynb", "dirty": True, "saves": True} | held]
    for wrong in ({"active": {"path": 5}}, {"open": ["a"]}, {"elsewhere": 1}):
        assert (await browser.put("pages/t1", json=wrong)).status_code == 400
    assert (await browser.put("pages/a%2Fb", json=view)).status_code in (400, 404)


async def test_the_state_says_why_the_endpoint_did_not_start(panel: Panel) -> None:
    panel.app.mcp_error = "Agents cannot connect: no SDK."
    state = (await (await panel.browser()).get("state")).json()
    assert state["server"]["mcp_error"] == "Agents cannot connect: no SDK."
    assert state["server"]["mcp_path"] == "mcp"


@pytest.mark.parametrize("trust_outputs", ["allowed", "never"])
async def test_the_state_says_whether_outputs_are_trusted(panel: Panel, trust_outputs: str) -> None:
    state = (await (await panel.browser()).get("state")).json()
    assert state["server"]["trust_outputs"] == trust_outputs


async def test_the_doorbell_rings_once_for_many_changes(
    panel: Panel, jp_serverapp: ServerApp
) -> None:
    rings: list[dict[str, object]] = []
    rung = asyncio.Event()

    async def hear(logger: object, schema_id: str, data: dict[str, object]) -> None:
        rings.append(data)
        rung.set()

    async def heard_all() -> None:
        async with asyncio.timeout(5):
            while not rings or rings[-1]["seq"] != panel.app.ledger.seq:
                rung.clear()
                await rung.wait()

    jp_serverapp.event_logger.add_listener(schema_id=SCHEMA_ID, listener=hear)
    agent, _ = panel.app.agents.add("Claude")
    await heard_all()
    assert rings == [{"seq": panel.app.ledger.seq, "topic": "agents"}]
    call, task = panel.app.ask(agent)
    await panel.app.waiting(call)
    await heard_all()
    rings.clear()
    for number in range(20):
        panel.app.ledger.update(call, progress=str(number))
    await heard_all()
    assert rings == [{"seq": panel.app.ledger.seq, "topic": "calls"}]
    task.cancel()
