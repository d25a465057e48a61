from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from jmcp_lab.errors import NotFoundError, UnavailableError
from jmcp_lab.kernels.sessions import KernelSessions

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from jupyter_server.serverapp import ServerApp
    from tornado.httpclient import HTTPResponse

    Fetch = Callable[..., Awaitable[HTTPResponse]]


@pytest.fixture
def sessions(jp_serverapp: ServerApp) -> KernelSessions:
    assert jp_serverapp.kernel_spec_manager is not None
    return KernelSessions(
        jp_serverapp.session_manager,
        jp_serverapp.kernel_manager,
        jp_serverapp.kernel_spec_manager,
    )


async def page_opens(fetch: Fetch, path: str) -> dict[str, Any]:
    """Do what JupyterLab does when a notebook is opened: look for its session, else make one.

    It starts the session under a path of its own and gives it its real one afterwards.
    """
    listed = json.loads((await fetch("api", "sessions")).body)
    for model in listed:
        if model["path"] == path and model["type"] == "notebook":
            return dict(model)
    folder = path.rpartition("/")[0]
    body = {
        "path": f"{folder}/{uuid4()}" if folder else str(uuid4()),
        "name": path,
        "type": "notebook",
        "kernel": {"name": "python3"},
    }
    made = json.loads((await fetch("api", "sessions", method="POST", body=json.dumps(body))).body)
    model = {}
    for changes in ({"path": path}, {"name": path.rpartition("/")[2]}):
        answer = await fetch(
            "api", "sessions", made["id"], method="PATCH", body=json.dumps(changes)
        )
        model = json.loads(answer.body)
    return model


async def test_a_session_created_by_the_page_is_reused(
    sessions: KernelSessions, jp_fetch: Fetch
) -> None:
    model = await page_opens(jp_fetch, "a.ipynb")
    session = await sessions.start("a.ipynb")
    assert session.kernel_id == model["kernel"]["id"]
    assert session.session_id == model["id"]
    assert session.language == "python"


async def test_the_page_finds_a_session_created_by_an_agent(
    sessions: KernelSessions, jp_fetch: Fetch
) -> None:
    session = await sessions.start("folder/a.ipynb", "python3")
    model = await page_opens(jp_fetch, "folder/a.ipynb")
    assert model["id"] == session.session_id
    assert model["kernel"]["id"] == session.kernel_id
    assert model["name"] == "a.ipynb"


async def test_two_simultaneous_starts_get_one_kernel(sessions: KernelSessions) -> None:
    one, two = await asyncio.gather(sessions.start("a.ipynb"), sessions.start("a.ipynb"))
    assert one.kernel_id == two.kernel_id
    assert len(await sessions.list_kernels()) == 1


@pytest.mark.parametrize("slow", ["page", "agent"])
async def test_a_page_and_an_agent_that_start_together_get_one_kernel(
    sessions: KernelSessions, jp_fetch: Fetch, jp_serverapp: ServerApp, slow: str
) -> None:
    manager = jp_serverapp.session_manager
    start_kernel = manager.start_kernel_for_session
    go = {"page": asyncio.Event(), "agent": asyncio.Event()}
    starting = {"page": asyncio.Event(), "agent": asyncio.Event()}

    async def start_when_told(session_id: str, path: str, **named: Any) -> str:
        who = "agent" if path == "folder/a.ipynb" else "page"
        starting[who].set()
        await go[who].wait()
        return str(await start_kernel(session_id, path=path, **named))

    manager.start_kernel_for_session = start_when_told
    page = asyncio.create_task(page_opens(jp_fetch, "folder/a.ipynb"))
    agent = asyncio.create_task(sessions.start("folder/a.ipynb"))
    # Both have found that there is no session, and neither has one yet.
    await starting["page"].wait()
    await starting["agent"].wait()
    first, second = (agent, page) if slow == "page" else (page, agent)
    go["agent" if slow == "page" else "page"].set()
    if slow == "page":
        await first
    go[slow].set()
    await asyncio.gather(first, second)
    found = await sessions.find("folder/a.ipynb")
    assert found is not None
    assert {page.result()["kernel"]["id"], agent.result().kernel_id} == {found.kernel_id}
    async with asyncio.timeout(10):
        while len(await sessions.list_kernels()) > 1:  # noqa: ASYNC110 - it is being shut down
            await asyncio.sleep(0.01)
    assert [each.session_id for each in await sessions.list_sessions()] == [found.session_id]
    assert page.result()["id"] == found.session_id


async def test_a_renamed_notebook_keeps_its_kernel_whatever_had_that_name(
    sessions: KernelSessions, jp_fetch: Fetch
) -> None:
    one = await page_opens(jp_fetch, "one.ipynb")
    old = await sessions.start("two.ipynb")
    renamed = await jp_fetch(
        "api", "sessions", one["id"], method="PATCH", body=json.dumps({"path": "two.ipynb"})
    )
    assert json.loads(renamed.body)["kernel"]["id"] == one["kernel"]["id"] != old.kernel_id


async def test_a_kernelspec_that_is_not_installed_is_named(sessions: KernelSessions) -> None:
    with pytest.raises(UnavailableError, match=r"'julia-9'.*Installed: .*python3"):
        await sessions.start("a.ipynb", "julia-9")
    assert await sessions.find("a.ipynb") is None


async def test_a_kernelspec_whose_program_is_missing_says_so_without_paths(
    sessions: KernelSessions, jp_kernel_dir: Path
) -> None:
    folder = jp_kernel_dir / "broken"
    folder.mkdir()
    spec = {"argv": ["/nowhere/kernel", "{connection_file}"], "display_name": "Broken"}
    (folder / "kernel.json").write_text(json.dumps(spec))
    with pytest.raises(UnavailableError, match="'broken' does not start") as caught:
        await sessions.start("a.ipynb", "broken")
    assert "/nowhere" not in str(caught.value)


async def test_a_notebook_can_be_given_a_running_kernel(sessions: KernelSessions) -> None:
    one = await sessions.start("one.ipynb")
    two = await sessions.start("two.ipynb")
    moved = await sessions.assign("two.ipynb", one.kernel_id)
    assert moved.kernel_id == one.kernel_id
    assert moved.session_id == two.session_id
    [kernel] = await sessions.list_kernels()
    assert kernel.id == one.kernel_id
    assert set(kernel.paths) == {"one.ipynb", "two.ipynb"}


async def test_a_notebook_can_be_given_a_fresh_kernel(sessions: KernelSessions) -> None:
    before = await sessions.start("a.ipynb")
    after = await sessions.assign("a.ipynb", "python3")
    assert after.session_id == before.session_id
    assert after.kernel_id != before.kernel_id
    assert [kernel.id for kernel in await sessions.list_kernels()] == [after.kernel_id]


async def test_a_kernel_that_does_not_exist_cannot_be_assigned(sessions: KernelSessions) -> None:
    with pytest.raises(NotFoundError, match="Kernelspecs here: python3"):
        await sessions.assign("a.ipynb", "nothing")
    with pytest.raises(NotFoundError):
        await sessions.get("nothing")


async def test_shutting_down_ends_the_session_and_the_kernel(sessions: KernelSessions) -> None:
    await sessions.shutdown(await sessions.start("a.ipynb"))
    assert await sessions.find("a.ipynb") is None
    assert await sessions.list_kernels() == []


async def test_a_kernel_that_another_notebook_uses_is_not_shut_down(
    sessions: KernelSessions,
) -> None:
    one = await sessions.start("one.ipynb")
    two = await sessions.assign("two.ipynb", one.kernel_id)
    await sessions.shutdown(two)
    assert await sessions.find("two.ipynb") is None
    found = await sessions.find("one.ipynb")
    assert found is not None
    assert found.kernel_id == one.kernel_id


async def test_a_restart_keeps_the_session(sessions: KernelSessions) -> None:
    session = await sessions.start("a.ipynb")
    await sessions.restart(session)
    again = await sessions.find("a.ipynb")
    assert again is not None
    assert again.kernel_id == session.kernel_id
    assert again.session_id == session.session_id


async def test_the_kernelspec_of_a_new_notebook_is_the_default_one(
    sessions: KernelSessions,
) -> None:
    spec = await sessions.spec(None)
    assert spec is not None
    assert (spec.name, spec.language, spec.default) == ("python3", "python", True)
    session = await sessions.start("a.ipynb")
    assert await sessions.spec(session.kernel_id) == spec
    assert await sessions.spec("nothing") is None


async def test_an_abandoned_start_leaves_no_unlisted_kernel(
    sessions: KernelSessions, jp_serverapp: ServerApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = jp_serverapp.session_manager
    create, creates, may_create = manager.create_session, asyncio.Event(), asyncio.Event()
    created = asyncio.Event()

    async def slow_create(**arguments: Any) -> dict[str, Any]:
        creates.set()
        await may_create.wait()
        model = await create(**arguments)
        created.set()
        return dict(model)

    monkeypatch.setattr(manager, "create_session", slow_create)
    waits = asyncio.create_task(sessions.start("a.ipynb", "python3"))
    await creates.wait()
    waits.cancel()
    await asyncio.wait({waits})
    may_create.set()
    async with asyncio.timeout(30):
        await created.wait()
    session = await sessions.find("a.ipynb")
    assert session is not None
    assert [kernel.id for kernel in await sessions.list_kernels()] == [session.kernel_id]
