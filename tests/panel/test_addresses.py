"""What agents and programs are told to open: an address that works where its reader is."""

from __future__ import annotations

import pytest
from jupyter_server.serverapp import ServerApp

from jmcp_lab.panel.addresses import where_to_open
from jmcp_lab.runtime.open_pages import OpenPages

LOCAL = "JupyterLab (http://127.0.0.1:{port}/a%40b/lab on the server's own computer)"


@pytest.mark.parametrize(
    ("jp_argv", "environment", "words"),
    [
        ([], {}, LOCAL.replace("127.0.0.1", "localhost")),
        (["--ServerApp.ip=127.0.0.1"], {}, LOCAL),
        (["--ServerApp.ip=0.0.0.0"], {}, LOCAL),
        (["--ServerApp.ip=::"], {}, LOCAL),
        (["--ServerApp.ip="], {}, LOCAL),
        (
            ["--ServerApp.custom_display_url=https://ann:word@lab.example/jup?token=secret"],
            {},
            "https://lab.example/jup/lab",
        ),
        (
            ["--ServerApp.custom_display_url=https://lab.example"],
            {},
            "https://lab.example/a%40b/lab",
        ),
        ([], {"JUPYTERHUB_SERVICE_PREFIX": "/user/ada/"}, "JupyterLab"),
        (
            [],
            {
                "JUPYTERHUB_SERVICE_PREFIX": "/user/ada/",
                "JUPYTERHUB_PUBLIC_URL": "https://hub.example/user/ada/",
            },
            "https://hub.example/user/ada/lab",
        ),
    ],
    ids=str,
)
def test_an_agent_is_told_an_address_that_works_for_its_person(
    jp_serverapp: ServerApp,
    environment: dict[str, str],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    pages = OpenPages()
    assert where_to_open(jp_serverapp, pages) == words.format(port=jp_serverapp.port)
    pages.address = "https://seen.example/a%40b/"
    assert where_to_open(jp_serverapp, pages) == "https://seen.example/a%40b/lab"
