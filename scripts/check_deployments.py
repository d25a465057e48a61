"""Check that a person can connect an agent behind proxies and on a JupyterHub.

The script starts each real deployment, opens it in Chromium and connects an agent in the panel's
dialog. Then the official MCP client uses the address that the dialog shows. The script needs nginx,
openssl and Chromium. The hub also needs `pip install jupyterhub`, `npm install
configurable-http-proxy` and root, because the script creates two users of the computer while it
runs. Both must be able to read this Python environment.
Usage: ``python scripts/check_deployments.py [names of deployments]``
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from playwright.sync_api import expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "ui-tests")]

from hub_users import (  # noqa: E402
    CHECKER,
    PERSON,
    WITHIN,
    hardened_and_told,
    hub_is_told,
    log_in,
    not_the_other_user,
    spawn_page,
    users,
)

from lab_page import CHROMIUM_ARGUMENTS, find_chromium  # noqa: E402
from panel import open_panel  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Page

TOKEN = "the-servers-own-token"

HOST = "proxy_set_header Host $http_host;"
HEADERS = (
    HOST + "proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Real-IP $remote_addr;"
)
NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; worker_processes 1;
events {{}}
http {{
  access_log off; client_body_temp_path {folder}; proxy_temp_path {folder};
  map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
    location / {{
      proxy_pass http://127.0.0.1:{behind}; proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
      {headers}
    }}
  }}
}}
"""

HUB = """
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_port = {hub}
c.ConfigurableHTTPProxy.command = ["{proxy}"]
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{api}"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.allow_named_servers = True
c.JupyterHub.last_activity_interval = 3600  # What the proxy knows of it is not asked for.
c.JupyterHub.services = [{{"name": "checker", "api_token": "{checker}"}}]
c.JupyterHub.load_roles = [
    {{"name": "checker", "services": ["checker"], "scopes": ["read:users", "read:servers"]}}
]
c.Spawner.cmd = ["{python}", "-m", "jupyterhub.singleuser"]
c.Spawner.args = {arguments}
c.Spawner.environment = {{"JUPYTERHUB_ACTIVITY_INTERVAL": "2"}}
c.Spawner.env_keep = ["PATH", "PYTHONPATH", "JUPYTER_PATH"]
c.Spawner.start_timeout = c.Spawner.http_timeout = 120
"""


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: list[str], folder: Path, **environment: str) -> Iterator[None]:
    """Run a program while the block runs."""
    with (folder / f"{Path(command[0]).name}.out").open("wb") as output:
        program = subprocess.Popen(
            command, cwd=folder, env=os.environ | environment, stdout=output, stderr=output
        )
        try:
            yield
        finally:
            program.terminate()
            try:
                program.wait(20)
            except subprocess.TimeoutExpired:
                program.kill()


def wait_for(port: int) -> None:
    """Wait until a program listens on a port."""
    end = time.monotonic() + WITHIN
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(f"nobody listens on port {port}")


@contextmanager
def tls_before(behind: int, folder: Path, headers: str) -> Iterator[str]:
    """Run nginx with TLS in front of a port; yield the address."""
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    made += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    made += ["-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(made, cwd=folder, check=True, capture_output=True)
    port = free_port()
    text = NGINX.format(folder=folder, port=port, behind=behind, headers=headers)
    (folder / "nginx.conf").write_text(text)
    with running(["nginx", "-c", str(folder / "nginx.conf")], folder):
        wait_for(port)
        yield f"https://localhost:{port}"


@contextmanager
def lab(folder: Path, headers: str, *arguments: str) -> Iterator[str]:
    """Run JupyterLab behind nginx; yield the page's address."""
    port = free_port()
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += [f"--ServerApp.port={port}", "--ServerApp.base_url=/jup/", *arguments]
    places = {f"JUPYTER_{name}_DIR": str(folder / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    with (
        running(command, folder, JUPYTER_TOKEN=TOKEN, **places),
        tls_before(port, folder, headers) as address,
    ):
        wait_for(port)
        yield f"{address}/jup/lab?token={TOKEN}"


@contextmanager
def hub(folder: Path, *arguments: str, tls: bool = False, named: bool = False) -> Iterator[str]:
    """Run a JupyterHub; yield the addresses to open one after the other, separated by spaces."""
    proxy = shutil.which("configurable-http-proxy")
    port = free_port()
    text = HUB.format(
        port=port,
        hub=free_port(),
        api=free_port(),
        proxy=proxy,
        python=sys.executable,
        arguments=list(arguments),
        checker=CHECKER,
    )
    (folder / "hub.py").write_text(text)
    with ExitStack() as stack:
        stack.enter_context(users())
        command = [sys.executable, "-m", "jupyterhub", "-f", str(folder / "hub.py")]
        stack.enter_context(running(command, folder))
        wait_for(port)
        # The hub's proxy listens before it knows the route to the hub.
        hub_api = f"http://127.0.0.1:{port}/hub/api"
        end = time.monotonic() + WITHIN
        while time.monotonic() < end and httpx2.get(hub_api).status_code != 200:
            time.sleep(0.2)
        address = f"http://localhost:{port}"
        if tls:
            address = stack.enter_context(tls_before(port, folder, HEADERS))
        pages = [spawn_page(address, PERSON)]
        if named:
            pages.append(spawn_page(address, PERSON, "/gpu"))
        yield " ".join(pages)


def connect(page: Page) -> tuple[str, str]:
    """Connect an agent in the dialog; return the address that it shows, and the token."""
    open_panel(page)
    with page.expect_response(
        lambda answer: answer.url.split("?")[0].endswith("/api/agents")
    ) as said:
        page.get_by_role("button", name="Connect an agent").first.click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Name this connection").fill("Checker")
        dialog.get_by_role("button", name="Create connection").click()
    shown = page.get_by_role("dialog").get_by_label("URL")
    expect(shown).to_be_visible()
    return shown.input_value(), said.value.json()["token"]


async def use(url: str, token: str) -> bool:
    """Return whether the official client works at an address."""
    tls = ssl.create_default_context()
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, verify=tls) as http,
        Client(streamable_http_client(url, http_client=http), mode="auto") as client,
    ):
        return not (await client.call_tool("get_context", {})).is_error


REMOTE = "--ServerApp.allow_remote_access=True"
DEPLOYMENTS: dict[str, Callable[[Path], object]] = {
    "nginx, TLS, headers": lambda f: lab(f, HEADERS, "--ServerApp.trust_xheaders=True"),
    "nginx, TLS, Host only": lambda f: lab(f, HOST),
    "nginx, TLS, no header, allow_origin_pat": lambda f: lab(
        f, "", REMOTE, "--ServerApp.allow_origin_pat=https://localhost:.*"
    ),
    "nginx, TLS, no header, allow_origin=*": lambda f: lab(
        f, "", REMOTE, "--ServerApp.allow_origin=*"
    ),
    "hub": hub,
    "hub, two users": hub,
    "hub, TLS": lambda f: hub(f, tls=True),
    "hub, named server after the default one": lambda f: hub(f, named=True),
    "hub, TLS, named server after the default one": lambda f: hub(f, tls=True, named=True),
    "hub, harden": lambda f: hub(f, "--JmcpLab.harden=True"),
}

AFTERWARDS: dict[str, Callable[[Page, str, str, Path], str]] = {
    "hub": hub_is_told,
    "hub, two users": not_the_other_user,
    "hub, harden": hardened_and_told,
}


def check(name: str, start: Callable[[Path], object]) -> str:
    """Return `ok`, or a description of the failure."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=CHROMIUM_ARGUMENTS
        )
        page = browser.new_context(ignore_https_errors=True).new_page()
        page.set_default_timeout(WITHIN * 1000)
        expect.set_options(timeout=WITHIN * 1000)
        try:
            with start(Path(folder)) as addresses:  # type: ignore[attr-defined]
                for address in addresses.split():
                    page.goto(address)
                    log_in(page)
                    page.wait_for_url(re.compile(r"/lab(/|[?]|$)"))
                    page.get_by_role("tab", name="Agents").wait_for()
                url, token = connect(page)
                with_page = url == page.url.split("/lab")[0] + "/mcp"
                # Playwright already runs an event loop in this thread.
                with ThreadPoolExecutor(1) as thread:
                    works = thread.submit(lambda: asyncio.run(use(url, token))).result()
                if not with_page or not works:
                    return f"address {url}"
                page.keyboard.press("Escape")
                return (
                    AFTERWARDS[name](page, url, token, Path(folder)) if name in AFTERWARDS else "ok"
                )
        except Exception as error:
            print(f"at {page.url}: {page.locator('body').inner_text()[:300]!r}", file=sys.stderr)
            for log in Path(folder).glob("*.out"):
                print(log.read_text(errors="replace")[-3000:], file=sys.stderr)
            return f"failed: {str(error).splitlines()[0][:120]}"
        finally:
            browser.close()


def main() -> int:
    """Print the table; return 1 if anything failed."""
    failed = False
    chosen = sys.argv[1:] or list(DEPLOYMENTS)
    print("| deployment | panel connects, its address works |\n| --- | --- |", flush=True)
    for name in chosen:
        said = check(name, DEPLOYMENTS[name])
        failed = failed or said != "ok"
        print(f"| {name} | {said} |", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
