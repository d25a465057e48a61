"""Who decides for an agent where several people use one server, named by Jupyter or not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx2
import pytest
from jupyter_server.auth import Authorizer, User
from jupyter_server.auth.identity import (
    IdentityProvider,
    LegacyIdentityProvider,
    PasswordIdentityProvider,
)
from jupyter_server.serverapp import ServerApp
from tornado.web import RequestHandler

from jmcp_lab.agents import agent_file as store
from jmcp_lab.agents.registry import AgentRegistry
from jmcp_lab.calls.call import Action, ToolClass
from jmcp_lab.panel.owners import owner_of

from ..support.rest import Panel


class Named(PasswordIdentityProvider):
    """Knows people by name, as a login page of an organisation does."""

    async def _get_user(self, handler: RequestHandler) -> User | None:
        user = await super()._get_user(handler)
        name = handler.request.headers.get("X-User")
        return user if user is None or name is None else User(name, name, name.capitalize())


class WithoutExecute(Authorizer):
    """Lets nobody execute anything on what it is told."""

    withheld: frozenset[tuple[str, str]] = frozenset()

    def is_authorized(
        self, handler: RequestHandler, user: User, action: str, resource: str
    ) -> bool:
        return (action, resource) not in self.withheld


@pytest.fixture
def named(jp_serverapp: ServerApp) -> None:
    old = jp_serverapp.identity_provider
    provider = Named(parent=jp_serverapp, log=jp_serverapp.log, token=old.token)
    jp_serverapp.identity_provider = provider
    jp_serverapp.web_app.settings["identity_provider"] = provider


def withhold(server: ServerApp, *rights: tuple[str, str]) -> None:
    authorizer = WithoutExecute(parent=server, log=server.log)
    authorizer.withheld = frozenset(rights)
    server.web_app.settings["authorizer"] = authorizer


async def mint(client: httpx2.AsyncClient, label: str) -> str:
    answer = await client.post("agents", json={"label": label})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


@pytest.mark.usefixtures("named")
async def test_only_the_owner_of_an_agent_decides_and_others_can_stop_it(panel: Panel) -> None:
    ada, bob = await panel.browser(**{"X-User": "ada"}), await panel.browser(**{"X-User": "bob"})
    agent_id = await mint(ada, "Ada's")
    agent = panel.app.agents.get(agent_id)
    call, task = panel.app.ask(agent)
    await panel.app.waiting(call)
    decision = {"option": "allow_once", "action_hash": call.action_hash}
    for method, path, body in (
        ("POST", f"calls/{call.id}/decision", decision),
        ("POST", f"calls/{call.id}/decision", decision | {"option": "reject_once"}),
        ("POST", f"calls/{call.id}/input", {"question": "q_1", "value": "x"}),
        ("POST", f"calls/{call.id}/ask-again", {}),
        ("PATCH", f"agents/{agent_id}", {"mode": "ask"}),
        ("DELETE", f"agents/{agent_id}", None),
    ):
        answer = await bob.request(method, path, json=body)
        assert answer.status_code == 403, (path, answer.text)
        assert "Only ada, who connected this agent" in answer.json()["message"]
    assert not task.done()
    assert (await bob.post(f"agents/{agent_id}/stop", json={})).status_code == 200
    assert agent.paused
    answer = await bob.patch(f"agents/{agent_id}", json={"paused": False})
    assert answer.status_code == 403
    answer = await ada.patch(f"agents/{agent_id}", json={"paused": False})
    assert answer.status_code == 200
    await _settled(task)
    call, task = panel.app.ask(agent, "2")
    await panel.app.waiting(call)
    decision["action_hash"] = call.action_hash
    assert (await ada.post(f"calls/{call.id}/decision", json=decision)).status_code == 200
    await task
    assert (await ada.delete(f"agents/{agent_id}")).status_code == 204


@pytest.mark.usefixtures("named")
async def test_a_page_gets_the_owners_of_other_peoples_agents(panel: Panel) -> None:
    ada, bob = await panel.browser(**{"X-User": "ada"}), await panel.browser(**{"X-User": "bob"})
    await mint(ada, "Ada's")
    panel.app.agents.add("Anybody's")
    owners = {}
    for name, client in (("ada", ada), ("bob", bob)):
        state = (await client.get("state")).json()
        owners[name] = {agent["label"]: agent["owner"] for agent in state["agents"]}
    assert owners["ada"] == {"Ada's": None, "Anybody's": None}
    assert owners["bob"] == {"Ada's": "ada", "Anybody's": None}


@pytest.mark.parametrize(
    ("right", "missing"),
    [
        (("execute", "jmcp_lab"), {"info", "read", "inspect", "edit", "run", "kernel", "file"}),
        (("execute", "kernels"), {"inspect", "run", "kernel"}),
        (("write", "contents"), {"edit", "file"}),
        (("write", "jmcp_lab"), set()),
    ],
)
async def test_a_page_gets_what_its_reader_may_decide(
    panel: Panel, jp_serverapp: ServerApp, right: tuple[str, str], missing: set[str]
) -> None:
    browser = await panel.browser()
    every = {each.value for each in ToolClass}
    assert set((await browser.get("state")).json()["server"]["decides"]) == every
    withhold(jp_serverapp, right)
    decides = set((await browser.get("state")).json()["server"]["decides"])
    assert decides == every - missing


async def test_who_decides_about_a_run_that_edits_too_needs_the_rights_for_both(
    panel: Panel, jp_serverapp: ServerApp
) -> None:
    browser = await panel.browser()
    agent, _ = panel.app.agents.add("Claude")
    for also, status in (((), 200), ((ToolClass.EDIT,), 403)):
        call, task = panel.app.ask(agent, also=also)
        await panel.app.waiting(call)
        (shown,) = [
            each
            for each in (await browser.get("state")).json()["calls"]
            if each["state"] == "waiting_for_approval"
        ]
        assert (shown["class"], shown["also"]) == ("run", [each.value for each in also])
        withhold(jp_serverapp, ("write", "contents"))
        decision = {"option": "allow_once", "action_hash": call.action_hash}
        answer = await browser.post(f"calls/{call.id}/decision", json=decision)
        assert answer.status_code == status, answer.text
        if status == 403:
            assert "write contents" in answer.json()["message"]
            assert (await browser.post(f"calls/{call.id}/stop", json={})).status_code == 200
            await _settled(task)
        else:
            await task


async def _settled(task: asyncio.Task[Action]) -> None:
    with pytest.raises(Exception, match="stopped"):
        await task


@pytest.mark.usefixtures("named")
async def test_resuming_after_stop_all_resumes_only_ones_own_agents(panel: Panel) -> None:
    ada, bob = await panel.browser(**{"X-User": "ada"}), await panel.browser(**{"X-User": "bob"})
    hers, his = await mint(ada, "Ada's"), await mint(bob, "Bob's")
    old, _ = panel.app.agents.add("From before")
    assert (await ada.post("stop", json={})).status_code == 200
    assert (await bob.post("resume", json={})).status_code == 200
    agents = panel.app.agents
    paused = {each: agents.get(each).paused for each in (hers, his, old.id)}
    assert paused == {hers: True, his: False, old.id: False}
    assert not agents.stopped
    assert (await ada.patch(f"agents/{hers}", json={"paused": False})).status_code == 200


@pytest.mark.usefixtures("named")
async def test_a_paired_agent_belongs_to_the_person_who_allowed_it(panel: Panel) -> None:
    ada, bob = await panel.browser(**{"X-User": "ada"}), await panel.browser(**{"X-User": "bob"})
    asked = panel.app.pairings.ask("Claude Code")
    answer = await ada.post(f"pairing/{asked.id}/decision", json={"option": "allow_once"})
    assert answer.status_code == 204
    assert isinstance(panel.app.pairings.take(asked.secret), str)
    (agent,) = panel.app.agents.all()
    assert agent.owner == "ada"
    assert (await bob.patch(f"agents/{agent.id}", json={"mode": "ask"})).status_code == 403


async def test_a_person_can_decide_in_another_browser_if_jupyter_invents_names(
    panel: Panel,
) -> None:
    first, second = await panel.browser(), await panel.browser()
    agent = panel.app.agents.get(await mint(first, "Mine"))
    assert agent.owner == ""
    call, task = panel.app.ask(agent)
    await panel.app.waiting(call)
    decision = {"option": "allow_once", "action_hash": call.action_hash}
    assert (await second.post(f"calls/{call.id}/decision", json=decision)).status_code == 200
    await task
    assert (await second.patch(f"agents/{agent.id}", json={"mode": "ask"})).status_code == 200


@pytest.mark.usefixtures("named")
async def test_a_nameless_user_cannot_decide_for_a_named_one(panel: Panel) -> None:
    ada, nameless = await panel.browser(**{"X-User": "ada"}), await panel.browser()
    hers, anybodys = await mint(ada, "Ada's"), await mint(nameless, "Anybody's")
    assert panel.app.agents.get(anybodys).owner == ""
    assert (await nameless.patch(f"agents/{hers}", json={"mode": "ask"})).status_code == 403
    assert (await ada.patch(f"agents/{anybodys}", json={"mode": "ask"})).status_code == 200


@pytest.mark.parametrize(
    "right", [("execute", "kernels"), ("execute", "jmcp_lab"), ("write", "jmcp_lab")]
)
async def test_an_authorizer_that_withholds_a_right_stops_deciding_about_runs(
    panel: Panel, jp_serverapp: ServerApp, right: tuple[str, str]
) -> None:
    browser = await panel.browser()
    agent, _ = panel.app.agents.add("Claude")
    call, task = panel.app.ask(agent)
    await panel.app.waiting(call)
    withhold(jp_serverapp, right)
    decision = {"option": "allow_once", "action_hash": call.action_hash}
    answer = await browser.post(f"calls/{call.id}/decision", json=decision)
    if right == ("write", "jmcp_lab"):
        # Deciding is executing; without writing nothing can be stopped.
        assert answer.status_code == 200
        await task
        return
    assert answer.status_code == 403
    assert not task.done()
    if right == ("execute", "jmcp_lab"):
        assert (await browser.post("agents", json={"label": "x"})).status_code == 403
    assert (await browser.post(f"calls/{call.id}/stop", json={})).status_code == 200
    await _settled(task)


@pytest.mark.parametrize(
    ("provider", "user", "owner"),
    [
        (IdentityProvider, User("0" * 32, "Anonymous Io", "Anonymous Io"), ""),
        (PasswordIdentityProvider, User("ada"), ""),
        (LegacyIdentityProvider, User("0" * 32), ""),
        (LegacyIdentityProvider, User("ada"), "ada"),
        (Named, User("ada"), "ada"),
        (Named, User("0" * 32, "Anonymous Io"), ""),
        (Named, User("0" * 32, "Ada"), "0" * 32),
    ],
)
def test_ownership_depends_on_how_jupyter_identifies_people(
    provider: type[IdentityProvider], user: User, owner: str
) -> None:
    assert owner_of(provider(), user) == owner


def test_the_owner_is_stored_and_older_agents_have_none(tmp_path: Path) -> None:
    registry = AgentRegistry(tmp_path / "agents.json")
    agent, _ = registry.add("Ada's", owner="ada")
    again = AgentRegistry(tmp_path / "agents.json")
    assert again.get(agent.id).owner == "ada"
    record = store.to_record(agent)
    del record["owner"]
    assert store.from_record(record).owner == ""
