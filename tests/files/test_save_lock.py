"""Saves of several servers, one after the other."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from nbformat.v4 import new_notebook

from jmcp_lab.files import file_lock, save_lock
from jmcp_lab.files.save_errors import save_failure_message
from jmcp_lab.files.save_lock import lock_file, saving
from jmcp_lab.server.shared_files import holding

from ..support.endpoint import http_client
from ..support.processes import Process, end, start

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only there files are locked")

INSERTS = 20
LIMIT = 60

HOLDER = """
import asyncio, sys
from types import SimpleNamespace
from jmcp_lab.files.save_lock import saving

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


async def test_a_save_waits_for_the_save_of_another_server(tmp_path: Path) -> None:
    manager = SimpleNamespace(root_dir=str(tmp_path))
    for name in ("a.ipynb", "b.ipynb"):
        (tmp_path / name).touch()
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


@pytest.mark.parametrize("itself", [True, False])
async def test_a_save_that_waits_too_long_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, itself: bool
) -> None:
    (tmp_path / "a.ipynb").touch()
    monkeypatch.setattr(save_lock, "LOCK_SECONDS", 0.05)
    if not itself:
        monkeypatch.setattr(file_lock, "_try", no_lock)
    async with one_lock(tmp_path, itself=itself):
        with pytest.raises(OSError, match=r"lock|finish") as caught:
            async with saving(SimpleNamespace(root_dir=str(tmp_path)), "a.ipynb"):
                raise AssertionError("somebody holds it")
    said = save_failure_message("a.ipynb", caught.value)
    assert ("another program has locked the file" if itself else "do not finish") in said
    assert str(tmp_path) not in said


def one_lock(root: Path, *, itself: bool) -> AbstractAsyncContextManager[None]:
    if itself:
        return file_lock.holding_itself(str(root / "a.ipynb"), 0)
    return holding(lock_file(str(root), "a.ipynb"), 0)


def no_lock(path: str) -> int | None:
    raise file_lock.NoLockError


@on_linux
@given(st.lists(st.sampled_from(["make", "replace", "remove", "save", "leave"]), max_size=12))
def test_one_file_is_never_saved_twice_at_once_even_if_it_is_replaced(
    steps: list[str],
) -> None:
    async def play(root: Path) -> None:
        path = root / "a.ipynb"
        locked: list[AbstractAsyncContextManager[None]] = []
        held: list[int | None] = []
        for step in steps:
            if step == "save":
                one = file_lock.holding_itself(str(path), 0)
                there = place_of(path)
                try:
                    await one.__aenter__()
                except OSError:
                    assert there in held
                    continue
                assert there not in held
                locked.append(one)
                held.append(there)
            elif step == "leave" and locked:
                await locked.pop().__aexit__(None, None, None)
                held.pop()
            elif step == "remove":
                path.unlink(missing_ok=True)
            elif step == "replace":
                (root / "new").touch()
                (root / "new").replace(path)
            elif step == "make":
                path.touch()
        for one in locked:
            await one.__aexit__(None, None, None)

    with tempfile.TemporaryDirectory() as root:
        # What is held keeps its number: no other file is given it meanwhile.
        asyncio.run(play(Path(root)))
        assert os.listdir(root) in ([], ["a.ipynb"])


def place_of(path: Path) -> int:
    return (path if path.exists() else path.parent).stat().st_ino


@on_linux
async def test_the_lock_covers_the_file_that_replaced_another(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    path.touch()
    manager = SimpleNamespace(root_dir=str(tmp_path))
    async with file_lock.holding_itself(str(path), 0):
        waiting = asyncio.create_task(saving(manager, "a.ipynb").__aenter__())
        await asyncio.sleep(0)
        (tmp_path / "new").touch()
        (tmp_path / "new").replace(path)
        async with asyncio.timeout(LIMIT):
            await waiting
        with pytest.raises(OSError, match="holds the lock"):
            await file_lock.holding_itself(str(path), 0).__aenter__()


@on_linux
def test_a_drive_with_mandatory_locks_is_not_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = tmp_path.stat().st_dev
    kind = next(
        line.partition(" - ")[2].split()[0]
        for line in Path("/proc/self/mountinfo").read_text().splitlines()
        if line.split()[2] == f"{os.major(device)}:{os.minor(device)}"
    )
    monkeypatch.setattr(file_lock, "OTHER_DRIVES", {kind})
    with pytest.raises(file_lock.NoLockError):
        file_lock._try(str(tmp_path))


def test_a_file_has_one_lock_for_every_path_to_it(tmp_path: Path) -> None:
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


@pytest.mark.parametrize(
    "shared", [True, pytest.param(False, marks=on_linux)], ids=["one user", "two users"]
)
async def test_two_servers_on_one_folder_lose_no_insert(tmp_path: Path, *, shared: bool) -> None:
    servers = []
    try:
        servers.append(start(tmp_path))
        work = tmp_path / "work"
        nbformat.write(new_notebook(), work / "a.ipynb")
        (tmp_path / "other").mkdir()
        if not shared:
            (tmp_path / "other" / "work").symlink_to(work)
        servers.append(
            start(
                tmp_path / "other",
                f"--BaseFileIdManager.db_path={tmp_path / 'other' / 'ids.db'}",
                f"--SQLiteYStore.db_path={tmp_path / 'other' / 'store.db'}",
                beside=tmp_path if shared else None,
            )
        )
        for server in servers:
            await server.up()
        agents = [await agent_of(server) for server in servers]

        together = asyncio.Barrier(2)

        async def insert(client: Client, name: str) -> None:
            await client.call_tool("list_cells", {"notebook": "a.ipynb"})
            for number in range(INSERTS // 2):
                await together.wait()
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
