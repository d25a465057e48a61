"""Only programs of the server's own user ask to be let in, and none keeps the others out."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from types import SimpleNamespace
from typing import Any, cast

import pytest

from jmcp_lab.agents.pairing import MAX_WAITING
from jmcp_lab.panel.peers import is_own_user, uid_of_peer

from ..support.rest import Panel

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="told on Linux only")
ROOT = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="becomes another user"
)

ASK = """
import json, os, sys, urllib.error, urllib.request
"".encode("idna")  # Imported while its file can be read.
os.setgroups([]); os.setgid(65534); os.setuid(65534)
headers = {"Content-Type": "application/json"}
body = json.dumps({"client": "Stranger"}).encode()
try:
    print(urllib.request.urlopen(urllib.request.Request(sys.argv[1], body, headers)).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""


@LINUX
@ROOT
async def test_a_program_of_another_user_of_this_computer_cannot_create_a_card(
    panel: Panel,
) -> None:
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-c", ASK, panel.url + "pairing", stdout=asyncio.subprocess.PIPE
    )
    said, _ = await program.communicate()
    assert said.split() == [b"403"]
    assert panel.app.pairings.waiting() == []
    mine = await panel.stranger().post("pairing", json={"client": "Mine"})
    assert mine.status_code == 202


@LINUX
@pytest.mark.parametrize(
    ("family", "listen", "connect"),
    [
        (socket.AF_INET, "127.0.0.1", "127.0.0.1"),
        (socket.AF_INET, "0.0.0.0", "127.0.0.2"),
        (socket.AF_INET6, "::1", "::1"),
        (socket.AF_INET6, "::", "127.0.0.1"),
    ],
)
def test_the_user_of_a_connection_is_known(
    family: socket.AddressFamily, listen: str, connect: str
) -> None:
    with socket.socket(family) as door:
        if family == socket.AF_INET6:
            door.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        try:
            door.bind((listen, 0))
        except OSError:
            pytest.skip("no such addresses here")
        door.listen()
        with socket.create_connection((connect, door.getsockname()[1])):
            accepted, _ = door.accept()
            with accepted:
                stream = SimpleNamespace(socket=accepted)
                request = SimpleNamespace(connection=SimpleNamespace(stream=stream))
                uid = uid_of_peer(cast("Any", request))
    assert uid == os.geteuid()
    assert is_own_user(uid)
    assert not is_own_user(os.geteuid() + 1)


async def test_a_full_queue_keeps_out_no_program_with_the_servers_token(
    panel: Panel,
) -> None:
    crowd = panel.stranger()
    for number in range(MAX_WAITING):
        asked = await crowd.post("pairing", json={"client": f"program {number}"})
        assert asked.status_code == 202
    assert (await crowd.post("pairing", json={"client": "one more"})).status_code == 503
    mine = panel.stranger(Authorization=f"token {panel.server_token}")
    assert (await mine.post("pairing", json={"client": "Mine"})).status_code == 202


async def test_a_rejection_keeps_out_no_program_with_the_servers_token(
    panel: Panel,
) -> None:
    assert (await panel.stranger().post("pairing", json={"client": "Claude"})).status_code == 202
    [card] = panel.app.pairings.waiting()
    panel.app.pairings.turn_away(card.id)
    assert (await panel.stranger().post("pairing", json={"client": "Claude"})).status_code == 403
    mine = panel.stranger(Authorization=f"token {panel.server_token}")
    assert (await mine.post("pairing", json={"client": "Claude"})).status_code == 202


@pytest.mark.parametrize("jp_argv", [["--IdentityProvider.token="]])
async def test_without_a_login_a_program_can_ask_and_a_page_cannot(panel: Panel) -> None:
    program = panel.stranger()
    asked = await program.post("pairing", json={"client": "Mine"})
    assert asked.status_code == 202, asked.text
    for headers in ({"Cookie": "a=b"}, {"Origin": "http://evil.example"}):
        refused = await panel.stranger(**headers).post("pairing", json={"client": "Page"})
        assert refused.status_code == 403
