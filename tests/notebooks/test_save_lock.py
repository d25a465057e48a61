"""Saves of several servers, one after the other."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from nbformat.v4 import new_notebook

from jmcp_lab.notebooks import save_lock
from jmcp_lab.notebooks.save_lock import lock_file, saving

from ..mcp.door import http_client
from ..processes import Process, end, start

INSERTS = 20
LIMIT = 60

HOLDER = """
import asyncio, sys
from types import SimpleNamespace
from jmcp_lab.notebooks.save_lock import saving

async def main():
    async with saving(SimpleNamespace(root_dir=sys.argv[1]), sys.argv[2]):
        print("held", flush=True)
        sys.stdin.readline()

asyncio.run(main())
"""


def holder(root: Path, path: str) -> subprocess.Popen[bytes]:
    """Hold the lock of a file in another process, until it gets a line or is killed."""
    command = [sys.executable, "-c", HOLDER, str(root), path]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    return process


def close(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        pipe.close()
    process.wait()


async def test_a_save_waits_for_another_servers(tmp_path: Path) -> None:
    manager = SimpleNamespace(root_dir=str(tmp_path))
    other = await asyncio.to_thread(holder, tmp_path, "a.ipynb")

    async def save() -> None:
        async with saving(manager, "a.ipynb"):
            assert other.poll() is not None

    task = asyncio.create_task(save())
    async with saving(manager, "b.ipynb"):  # another file is free
        await asyncio.sleep(0)
        assert not task.done()
    other.kill()  # whoever held it is gone, and so is the lock
    other.wait()
    async with asyncio.timeout(LIMIT):
        await task
    close(other)


async def test_a_save_that_waits_too_long_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(save_lock, "LOCK_SECONDS", 0.05)
    other = await asyncio.to_thread(holder, tmp_path, "a.ipynb")
    with pytest.raises(OSError, match="Another Jupyter server") as caught:
        async with saving(SimpleNamespace(root_dir=str(tmp_path)), "a.ipynb"):
            raise AssertionError("somebody holds it")
    assert str(tmp_path) not in str(caught.value)
    close(other)


def test_a_file_has_one_lock_whichever_way_leads_to_it(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    one = lock_file(str(tmp_path), "real/a.ipynb")
    assert lock_file(str(tmp_path), "link/a.ipynb") == one
    assert lock_file(str(tmp_path / "link"), "a.ipynb") == one
    assert not one.is_relative_to(tmp_path)
    assert lock_file(str(tmp_path), os.fsdecode(b"caf\xe9.ipynb")).name


async def test_files_that_are_not_on_this_disk_have_no_lock() -> None:
    async with saving(SimpleNamespace(), "a.ipynb"), saving(SimpleNamespace(), "a.ipynb"):
        pass


async def agent_of(process: Process) -> tuple[str, str]:
    await process.up()
    async with http_client() as browser:
        await process.log_in(browser)
        made = (
            await browser.post(process.url + "jmcp-lab/api/agents", json={"label": "Robot"})
        ).json()
    return made["url"], made["token"]


async def test_two_servers_on_one_folder_lose_no_insert(tmp_path: Path) -> None:
    servers = []
    try:
        servers.append(start(tmp_path))
        work = tmp_path / "work"
        nbformat.write(new_notebook(), work / "a.ipynb")
        (tmp_path / "other").mkdir()
        servers.append(
            start(
                tmp_path / "other",
                f"--BaseFileIdManager.db_path={tmp_path / 'other' / 'ids.db'}",
                f"--SQLiteYStore.db_path={tmp_path / 'other' / 'store.db'}",
                beside=tmp_path,
            )
        )
        for server in servers:
            await server.up()
        agents = [await agent_of(server) for server in servers]

        async def insert(client: Client, name: str) -> None:
            for number in range(INSERTS // 2):
                result = await client.call_tool(
                    "insert_cell", {"notebook": "a.ipynb", "source": f"{name}{number}"}
                )
                assert not result.is_error, result.content[0].text

        wanted = {f"{name}{number}" for name in "ab" for number in range(INSERTS // 2)}
        (url_a, token_a), (url_b, token_b) = agents
        async with (
            http_client(token_a) as http_a,
            http_client(token_b) as http_b,
            Client(streamable_http_client(url_a, http_client=http_a), mode="auto") as a,
            Client(streamable_http_client(url_b, http_client=http_b), mode="auto") as b,
        ):
            await asyncio.gather(insert(a, "a"), insert(b, "b"))
            async with asyncio.timeout(LIMIT):
                for client in (a, b):
                    while True:
                        said = await client.call_tool("read_cells", {"notebook": "a.ipynb"})
                        lines = {line for part in said.content for line in part.text.split("\n")}
                        if wanted <= lines:
                            break
                        await asyncio.sleep(0.2)
        for server in servers:
            server.popen.terminate()
            server.popen.wait(LIMIT)
        found = [cell.source for cell in nbformat.read(work / "a.ipynb", as_version=4).cells]
        assert sorted(source for source in found if source) == sorted(wanted)
    finally:
        for server in servers:
            end(server)
