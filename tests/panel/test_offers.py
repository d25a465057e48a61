"""What somebody wrote into the list of agents, as the panel shows and answers it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ..support.rest import Panel


@pytest.fixture
def loosened(panel: Panel, tmp_path: Path) -> str:
    """Let an agent in, write more access for it into the list, and return its token."""
    _, token = panel.app.agents.add("Robot", "look")
    path = tmp_path / "agents" / "agents.json"
    data: dict[str, Any] = json.loads(path.read_text())
    data["agents"][0] |= {"mode": "edit", "label": "Ro\u202ebot"}
    path.write_text(json.dumps(data))
    return token


async def test_an_offer_is_shown_and_only_a_person_in_the_panel_can_accept_it(
    panel: Panel, loosened: str
) -> None:
    browser = await panel.browser()
    state = (await browser.get("state")).json()
    (card,) = state["pairings"]
    assert [agent["mode"] for agent in state["agents"]] == ["look"]
    assert card["offer"]["agent"] == "Robot"
    assert {"field": "mode", "before": "look", "after": "edit"} in card["offer"]["changes"]
    assert "\u202e" not in json.dumps(state, ensure_ascii=False)
    url, yes = f"pairing/{card['id']}/decision", {"option": "allow_once"}
    for caller in (
        panel.stranger(),
        panel.stranger(Authorization=f"token {panel.server_token}"),
        panel.stranger(Authorization=f"Bearer {loosened}"),
    ):
        assert (await caller.post(url, json=yes)).status_code == 403
    assert panel.app.agents.all()[0].mode.value == "look"
    assert (await browser.post(url, json=yes)).status_code == 204
    assert panel.app.agents.all()[0].mode.value == "edit"
    assert (await browser.get("state")).json()["pairings"] == []
    assert (await browser.post(url, json=yes)).status_code == 409


async def test_an_offer_can_be_discarded(panel: Panel, loosened: str) -> None:
    browser = await panel.browser()
    (card,) = (await browser.get("state")).json()["pairings"]
    url = f"pairing/{card['id']}/decision"
    assert (await browser.post(url, json={"option": "reject_once"})).status_code == 204
    assert panel.app.agents.all()[0].mode.value == "look"
    assert (await browser.get("state")).json()["pairings"] == []
