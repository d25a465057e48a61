"""A person who denied something by mistake can be asked again."""

from __future__ import annotations

import pytest

from jmcp_lab.errors import DeniedError

from ..support.rest import Panel


async def test_a_denied_request_shows_until_when_it_is_blocked_and_can_be_asked_again(
    panel: Panel,
) -> None:
    agent, _ = panel.app.agents.add("Claude")
    call, task = panel.app.ask(agent)
    await panel.app.waiting(call)
    browser = await panel.browser()
    body = {"option": "reject_once", "action_hash": call.action_hash}
    denied = (await browser.post(f"calls/{call.id}/decision", json=body)).json()
    assert denied["denied_until"] > denied["ended"]
    with pytest.raises(DeniedError):
        await task
    second, task = panel.app.ask(agent)
    with pytest.raises(DeniedError, match="Ask me again"):
        await task
    state = (await browser.get("state")).json()
    shown = {each["id"]: each for each in state["calls"]}
    assert shown[call.id]["repeats"] == 2
    # The words that the agent was told are not shown to the person.
    assert shown[second.id]["decision"]["reason"] is None
    answer = await browser.post(f"calls/{call.id}/ask-again", json={})
    assert answer.json()["denied_until"] is None
    third, task = panel.app.ask(agent)
    assert (await panel.app.waiting(third)).state == "waiting_for_approval"
    answer = await browser.post(f"calls/{call.id}/ask-again", json={})
    assert answer.status_code == 409
    task.cancel()
