"""`jmcp-lab stdio` wherever the server is, and whatever becomes of the connection."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.stdio import stdio_client

from jmcp_lab.stdio.servers import find_server

from ..support.processes import TOKEN, end, start
from .test_stdio import command, environment  # noqa: F401 - a fixture

HELLO = {
    "jsonrpc": "2.0",
    "id": "first",
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "mcp", "version": "1"},
    },
}
CALL = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "get_context", "arguments": {}},
}
WITHIN = 120
"""Seconds; what hung before did so for ever."""


async def log_in(browser: httpx2.AsyncClient) -> None:
    """Log in as a browser does, where there is anything to log in to."""
    async with asyncio.timeout(WITHIN):
        while True:
            try:
                login = await browser.get("login")
                break
            except httpx2.TransportError:
                await asyncio.sleep(0.1)
    if login.status_code == 200:
        form = {"password": TOKEN, "_xsrf": browser.cookies["_xsrf"]}
        assert (await browser.post("login", data=form)).status_code == 302
    browser.headers["X-XSRFToken"] = browser.cookies.get("_xsrf") or ""


async def let_in(browser: httpx2.AsyncClient) -> None:
    """Answer the card as the person does."""
    async with asyncio.timeout(WITHIN):
        while True:
            cards = (await browser.get("jmcp-lab/api/state")).json()["pairings"]
            if cards:
                break
            await asyncio.sleep(0.05)
    answer = await browser.post(
        f"jmcp-lab/api/pairing/{cards[0]['id']}/decision", json={"option": "allow_once"}
    )
    assert answer.status_code == 204


@pytest.mark.parametrize(
    ("where", "arguments"),
    [
        ("a port", ["--IdentityProvider.token="]),
        pytest.param(
            "a port", ["--ServerApp.ip=0.0.0.0", "--JmcpLab.harden=True"], marks=pytest.mark.long
        ),
        pytest.param("a port", ["--JmcpLab.mcp_path=agents/mcp"], marks=pytest.mark.long),
        ("a Unix socket", ["--JmcpLab.harden=True"]),
    ],
    ids=str,
)
async def test_a_program_finds_the_server_is_accepted_and_works(
    tmp_path: Path,
    environment: dict[str, str],  # noqa: F811
    where: str,
    arguments: list[str],
) -> None:
    socket = tmp_path / "s.sock" if where == "a Unix socket" else None
    process = start(tmp_path, *arguments, unix_socket=socket)
    base = process.url if socket is None else "http://localhost/user/ann/"
    uds = None if socket is None else str(socket)
    try:
        async with httpx2.AsyncClient(
            base_url=base, transport=httpx2.AsyncHTTPTransport(uds=uds), timeout=30
        ) as browser:
            await log_in(browser)

            async def work() -> str:
                parameters = command(tmp_path, environment)
                async with Client(stdio_client(parameters), mode="auto") as client:
                    return str((await client.call_tool("get_context", {})).is_error)

            working = asyncio.create_task(work())
            await let_in(browser)
            async with asyncio.timeout(WITHIN):
                assert await working == "False"
                # And the next time, with what it has kept.
                assert await work() == "False"
    finally:
        end(process)


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(serve: Serve, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


async def say(
    environment: dict[str, str],  # noqa: F811
    *arguments: str,
) -> tuple[list[Any], str]:
    """Say hello and call a tool; return the answers, and the words of the program's log."""
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "jmcp_lab.cli", "stdio", *arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )
    assert program.stdin is not None
    assert program.stdout is not None
    answers = []
    async with asyncio.timeout(WITHIN):
        for message in (HELLO, CALL):
            program.stdin.write(json.dumps(message).encode() + b"\n")
            answers.append(json.loads(await program.stdout.readline()))
        # It lives as long as its client wants.
        assert program.returncode is None
        _, words = await program.communicate(b"")
    assert program.returncode == 0
    assert [answer["id"] for answer in answers] == ["first", 1]
    return answers, words.decode()


def refused(answer: Any) -> str:  # noqa: ANN401 - JSON
    """Return the words in which a tool says that it did nothing."""
    assert answer["result"]["isError"] is True
    return str(answer["result"]["content"][0]["text"])


async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.close()


async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"220 mail.example ESMTP\r\n\r\n")
    writer.close()


async def nothing_here(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
    writer.close()


@pytest.mark.parametrize(
    ("serve", "token"),
    [
        (close, ""),
        (close, "jml_given"),
        pytest.param(nonsense, "", marks=pytest.mark.long),
        (nonsense, "jml_given"),
        (nothing_here, ""),
        pytest.param(None, "", marks=pytest.mark.long),
        (None, "jml_given"),
    ],
)
async def test_a_tool_says_what_is_wrong_whatever_the_server_does(
    environment: dict[str, str],  # noqa: F811
    serve: Serve | None,
    token: str,
) -> None:
    async with serving(serve or close) as port:
        pass  # Nobody listens there any more.
    if token:
        environment["JMCP_TOKEN"] = token
    url = f"http://127.0.0.1:{port}/mcp"
    if serve is None:
        answers, words = await say(environment, "--url", url)
    else:
        async with serving(serve) as port:
            answers, words = await say(environment, "--url", f"http://127.0.0.1:{port}/mcp")
    assert "result" in answers[0]
    assert "erver" in refused(answers[1])
    assert "Traceback" not in words


async def test_a_certificate_that_is_not_trusted_is_named_as_the_cause(
    tmp_path: Path,
    environment: dict[str, str],  # noqa: F811
) -> None:
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    made += ["-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "cert.pem"]
    await asyncio.to_thread(subprocess.run, made, cwd=tmp_path, check=True, capture_output=True)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    async with serving(nothing_here, tls) as port:
        for token in ("", "jml_given"):
            environment["JMCP_TOKEN"] = token
            answers, words = await say(environment, "--url", f"https://localhost:{port}/mcp")
            assert "SSL_CERT_FILE" in refused(answers[1])
            assert "Traceback" not in words


async def test_without_a_server_a_tool_says_what_to_start(
    environment: dict[str, str],  # noqa: F811
) -> None:
    answers, words = await say(environment)
    assert "JupyterLab is not running. Start it with `jupyter lab`." in refused(answers[1])
    assert "waited for 15 seconds" in refused(answers[1])
    assert "JupyterLab is not running" in words
    assert "Traceback" not in words


async def test_a_token_file_that_is_missing_is_named_as_the_cause(
    environment: dict[str, str],  # noqa: F811
) -> None:
    answers, words = await say(environment, "--token-file", "/nowhere/token")
    assert "could not be used (No such file" in refused(answers[1])
    assert "Traceback" not in words


@pytest.mark.parametrize(
    ("url", "hostname", "base"),
    [
        ("http://box:8888/a/", "0.0.0.0", "http://127.0.0.1:8888/a/"),
        ("http://box:8888/a/", "::", "http://localhost:8888/a/"),
        ("http://:8888/a/", "localhost", "http://127.0.0.1:8888/a/"),
        ("https://[::1]:8888/", "::1", "https://[::1]:8888/"),
        ("http://192.0.2.7:8888/", "192.0.2.7", "http://192.0.2.7:8888/"),
    ],
)
def test_a_server_is_reached_on_this_computer_by_an_address_of_this_computer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, hostname: str, base: str
) -> None:
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    info = {"url": url, "hostname": hostname, "pid": os.getpid(), "root_dir": str(tmp_path)}
    (tmp_path / "jpserver-1.json").write_text(json.dumps(info | {"token": "t", "sock": ""}))
    assert find_server(tmp_path).base == base
    if "127.0.0.1" in base:
        named = find_server(tmp_path, "http://localhost:8888/a/agents/mcp")
        assert (named.base, named.token) == (base, "t")


def test_of_several_servers_none_is_taken_by_guess_and_no_whole_path_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    for name in ("sales", "physics"):
        root = tmp_path / "home" / name
        root.mkdir(parents=True)
        info = {"url": "http://localhost:8888/", "pid": os.getpid(), "root_dir": str(root)}
        (tmp_path / f"jpserver-{name}.json").write_text(json.dumps(info))
    assert find_server(tmp_path / "home" / "sales").root == str(tmp_path / "home" / "sales")
    with pytest.raises(LookupError, match="several Jupyter servers") as refused:
        find_server(tmp_path)
    assert "'physics', 'sales'" in str(refused.value)
    assert str(tmp_path) not in str(refused.value)


def test_a_secret_in_the_address_of_a_server_is_no_part_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    server = find_server(tmp_path, "https://ada:secret@example.org:8888/a/mcp?token=secret#secret")
    assert server.base == "https://example.org:8888/a/"
    assert "secret" not in repr(server)
