"""Provides users of a JupyterHub, and checks that neither has access to the other's server."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2

sys.path[:0] = [str(Path(__file__).resolve().parent.parent / "ui-tests")]

from agent import Agent  # noqa: E402
from panel import allow_and_wait, card  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

CHECKER = "token-of-the-hubs-checker"
PERSON, OTHER = USERS = "jmcp-ada", "jmcp-bob"
WITHIN = 90


@contextmanager
def users() -> Iterator[None]:
    """Create users of this computer, each with a home folder, while the block runs."""
    for user in USERS:
        subprocess.run(["useradd", "--create-home", user], check=True)
    try:
        yield
    finally:
        for user in USERS:
            subprocess.run(["userdel", "--remove", "--force", user], stderr=subprocess.DEVNULL)


def spawn_page(address: str, user: str, server: str = "") -> str:
    """Return the address that starts a user's server and redirects to its JupyterLab."""
    return f"{address}/hub/spawn/{user}{server}?next=%2Fuser%2F{user}{server}%2Flab"


def log_in(page: Page, user: str = PERSON) -> None:
    """Log in to a hub if it asks for that, which then starts the server."""
    name = page.locator("#username_input")
    if name.is_visible():
        name.fill(user)
        page.locator("#password_input").fill("a-long-password")
        page.locator("#login_submit").click()


def fetch(page: Page, method: str, address: str, body: object = None) -> tuple[int, str]:
    """Send an HTTP request as a script of the page would; return the status and the answer."""
    script = """async ([method, address, body]) => {
        const config = JSON.parse(document.getElementById('jupyter-config-data').textContent);
        const cookie = document.cookie.match(/_xsrf=([^;]*)/);
        const headers = {'Content-Type': 'application/json', 'X-XSRFToken': cookie?.[1] ?? ''};
        let said;
        for (const login of [{}, {Authorization: `token ${config.token}`}]) {
            const answer = await fetch(address, {
                method, headers: {...headers, ...login}, body: body && JSON.stringify(body)
            });
            said = [answer.status, await answer.text()];
            if (answer.ok) break;
        }
        return said;
    }"""
    status, text = page.evaluate(script, [method, address, body])
    return int(status), str(text)


def not_the_other_user(page: Page, url: str, token: str, folder: Path) -> str:
    """Check that another user can neither read nor decide, and that the agent has one server."""
    del folder
    panel = url.removesuffix("mcp") + "jmcp-lab/api/"
    with Agent(url, token) as agent:
        agent.say("use_notebook", notebook="mine.ipynb", create=True)
        cell = re.search(r"id (\w+)", agent.say("insert_cell", source="print(6 * 7)", index=0))
        run = agent.start("execute_cell", cells=cell[1] if cell else "", hold=WITHIN)
        request = card(page, re.compile("^Run cell 1"))
        (call,) = (
            each
            for each in json.loads(fetch(page, "GET", f"{panel}state")[1])["calls"]
            if each["state"] == "waiting_for_approval"
        )
        browser = page.context.browser
        assert browser is not None
        other = browser.new_context().new_page()
        other.goto(spawn_page(url.split("/user/")[0], OTHER))
        log_in(other, OTHER)
        other.get_by_role("tab", name="Agents").wait_for(timeout=WITHIN * 1000)
        own = fetch(other, "GET", f"{panel.replace(PERSON, OTHER)}state")
        decision = {"option": "allow_once", "action_hash": call["action_hash"]}
        tried = {
            "read": fetch(other, "GET", f"{panel}state"),
            "decide": fetch(other, "POST", f"{panel}calls/{call['id']}/decision", decision),
            "mint": fetch(other, "POST", f"{panel}agents", {"label": "Mallory"}),
            "mcp": fetch(other, "POST", url, {"jsonrpc": "2.0", "id": 1, "method": "ping"}),
        }
        opened = other.goto(url.replace("/mcp", "/lab"))
        tried["open"] = (opened.status if opened else 0, "")
        bearer = {"Authorization": f"Bearer {token}"}
        elsewhere = httpx2.post(url.replace(PERSON, OTHER), headers=bearer, json={})
        tried["the agent at the other's server"] = (elsewhere.status_code, elsewhere.text)
        print({name: status for name, (status, _) in tried.items()}, file=sys.stderr)
        # The other user's exchanges must be refused or redirected to the login.
        through = [name for name, (status, _) in tried.items() if status not in (401, 403)]
        if own[0] != 200 or through or run.done():
            return f"own {own[0]}, got through: {through}, run done: {run.done()}"
        return "ok" if "42" in allow_and_wait(request, run) else "the run failed"


def hardened_and_told(page: Page, url: str, token: str, folder: Path) -> str:
    """Check that the server is hardened, and that it reports its activity to the hub."""
    state = fetch(page, "GET", url.removesuffix("mcp") + "jmcp-lab/api/state")[1]
    protection = json.loads(state)["server"]["protection"]
    if protection != "hardened":
        return f"protection: {protection}"
    return hub_is_told(page, url, token, folder)


def hub_is_told(page: Page, url: str, token: str, folder: Path) -> str:
    """Check that the hub learns of an agent's activity, which culling of idle servers needs."""
    del page, folder
    hub_api = url.split("/user/")[0] + f"/hub/api/users/{PERSON}"
    with Agent(url, token) as agent:
        for number in range(2):
            agent.say("use_notebook", notebook=f"activity {number}.ipynb", create=True)
            done = datetime.now(UTC)
            end = time.monotonic() + 20
            while time.monotonic() < end:
                said = httpx2.get(hub_api, headers={"Authorization": f"token {CHECKER}"}).json()
                last = datetime.fromisoformat(said["servers"][""]["last_activity"])
                if last > done - timedelta(seconds=1):
                    break
                time.sleep(0.2)
            else:
                return f"the hub knows of nothing after {last}, and the agent worked at {done}"
    return "ok"
