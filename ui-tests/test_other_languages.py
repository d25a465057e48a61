"""Tests that a page shows what an agent runs in a kernel of another language than Python."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from agent import text_of
from lab_page import open_notebook
from panel import DRAWN_MS, outputs, prompt
from stage import Stage

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from conftest import ConnectAgent
    from lab_server import LabServer

NOTEBOOK = "shell.ipynb"


@pytest.fixture
def bash(lab_server: LabServer) -> str:
    """Install the kernelspec of the bash kernel for the server, and return its name."""
    place = {"JUPYTER_DATA_DIR": str(lab_server.folder / "data")}
    program = [sys.executable, "-m", "bash_kernel.install", "--user"]
    subprocess.run(program, check=True, capture_output=True, env=os.environ | place)
    return "bash"


@pytest.fixture
def shell(bash: str, lab_page: Page, lab_server: LabServer, connect_agent: ConnectAgent) -> Stage:
    """Return a page with a notebook of a bash kernel, and an agent that may run in it."""
    agent = connect_agent("Runner", "auto", notebooks=[NOTEBOOK], until="30m")
    agent.say("use_notebook", notebook=NOTEBOOK, create=True, kernel=bash)
    open_notebook(lab_page, NOTEBOOK)
    return Stage(lab_page, agent, lab_server, NOTEBOOK)


def test_output_of_a_shell_streams_into_the_page_and_an_error_ends_it(shell: Stage) -> None:
    go = shell.server.root / "go-shell"
    running = shell.start(
        "echo one\nwhile [ ! -e go-shell ]; do sleep 0.02; done\necho two >&2\nls nowhere"
    )
    try:
        expect(outputs(shell.page, 1)).to_have_text("one\n")
        expect(prompt(shell.page, 1)).to_have_text("[*]:")
        assert not running.done()
    finally:
        go.touch()
    result = running.result(60)
    assert result.is_error
    assert "two\n" in text_of(result)
    expect(prompt(shell.page, 1)).to_have_text(re.compile(r"^\[\d+\]:$"), timeout=DRAWN_MS)
    stream, error = shell.outputs()
    assert stream["text"].startswith("one\ntwo\nls: ")
    assert error["output_type"] == "error"
