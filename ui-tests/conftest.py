"""Defines the fixtures of the browser tests: a real server, a real Chromium, the MCP client."""

from __future__ import annotations

import os
import re
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from playwright.sync_api import Error, expect, sync_playwright

from kept_page import KeptPage
from lab_page import (
    CHROMIUM_ARGUMENTS,
    Console,
    find_chromium,
    log_in,
    open_lab,
    open_notebook,
)
from lab_server import LabServer
from panel import connected
from profiles import Profiles
from stage import Stage

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from mcp.client.client import ConnectMode
    from playwright.sync_api import BrowserContext, Page

    from agent import Agent

# Playwright's default of 5 s is too short for a busy computer.
expect.set_options(timeout=20_000)

RESULTS = Path(__file__).parent / "test-results"
"""Folder for the screenshots of failed tests."""


class ConnectAgent(Protocol):
    """Mint a token in the page as a person would, and connect the official client with it."""

    def __call__(
        self,
        label: str = "Robot",
        mode: str = "edit",
        *,
        protocol: ConnectMode = "auto",
        **rights: Any,
    ) -> Agent:
        """Return the connected client; `rights` are further fields of the new agent."""
        ...


def pytest_configure(config: pytest.Config) -> None:
    """Let the servers find what stands in for a package that is slow to import."""
    late = str(config.rootpath.parent / "tests" / "support" / "late")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [late, os.environ.get("PYTHONPATH")]))


def pytest_sessionstart(session: pytest.Session) -> None:
    """Fail immediately with one sentence if there is no browser."""
    if session.config.option.collectonly:
        return
    try:
        find_chromium()
    except FileNotFoundError as error:
        pytest.exit(str(error), returncode=pytest.ExitCode.USAGE_ERROR)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Take a screenshot of every open page when a test fails."""
    report = yield
    if report.failed and report.when == "call":
        fixtures = getattr(item, "funcargs", {})
        page: Page | None = fixtures.get("lab_page") or fixtures.get("kept_page")
        context: BrowserContext | None = fixtures.get("browser_context") or fixtures.get(
            "shared_context", page and page.context
        )
        for number, page in enumerate(context.pages if context else []):
            name = re.sub(r"[^\w.-]+", "_", item.name)
            # A browser that has crashed shows nothing any more.
            with suppress(Error):
                page.screenshot(path=RESULTS / f"{name}-{number}.png")
    return report


@pytest.fixture(scope="session")
def profiles() -> Iterator[Profiles]:
    """Yield the profiles of Chromium, headless."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder, sync_playwright() as playwright:
        profiles = Profiles(
            playwright.chromium,
            Path(folder),
            executable_path=find_chromium(),
            args=CHROMIUM_ARGUMENTS,
        )
        yield profiles
        profiles.close()


@pytest.fixture(scope="session")
def lab_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """Yield `jupyter lab` with token authentication, shared by all tests."""
    with LabServer(tmp_path_factory.mktemp("lab")) as server:
        yield server


@pytest.fixture
def console() -> Console:
    """Return the errors in the browser's console; unexpected ones fail the test at its end."""
    return Console()


@pytest.fixture
def browser_context(
    profiles: Profiles, lab_server: LabServer, console: Console
) -> Iterator[BrowserContext]:
    """Yield an empty browser profile that is logged in and may use the clipboard."""
    with profiles.lend(console) as context:
        log_in(context, lab_server)
        yield context
    assert console.unexpected() == []


@pytest.fixture
def lab_page(browser_context: BrowserContext, lab_server: LabServer) -> Page:
    """Return JupyterLab, loaded and restored, with an empty workspace."""
    page = browser_context.new_page()
    open_lab(page, lab_server)
    return page


@pytest.fixture(scope="module")
def page_of_module(profiles: Profiles, lab_server: LabServer) -> Iterator[KeptPage]:
    """Yield what keeps one page for all tests of a file."""
    kept = KeptPage(profiles, lab_server)
    yield kept
    kept.close()


@pytest.fixture
def kept_page(
    page_of_module: KeptPage, console: Console, request: pytest.FixtureRequest
) -> Iterator[Page]:
    """Yield the page of the file, with nothing open in it.

    A file whose tests do not need to see JupyterLab load names it ``lab_page``.
    """
    failed = request.session.testsfailed
    yield page_of_module.open(console)
    if request.session.testsfailed == failed:
        page_of_module.empty(console)
    else:
        page_of_module.close()
    assert console.unexpected() == []


@pytest.fixture
def connect_agent(lab_page: Page, lab_server: LabServer) -> Iterator[ConnectAgent]:
    """Yield a factory of connected agents; they disconnect and lose their token at the end."""
    with ExitStack() as stack:

        def connect(
            label: str = "Robot",
            mode: str = "edit",
            *,
            protocol: ConnectMode = "auto",
            **rights: Any,
        ) -> Agent:
            return stack.enter_context(
                connected(lab_page, lab_server, label, mode, protocol=protocol, **rights)
            )

        yield connect


@pytest.fixture(scope="module")
def shared_context(profiles: Profiles, lab_server: LabServer) -> Iterator[BrowserContext]:
    """Yield one logged-in profile for all tests of a file, which differ only in a cell."""
    console = Console()
    with profiles.lend(console) as context:
        log_in(context, lab_server)
        yield context
    assert console.unexpected() == []


@pytest.fixture(scope="module")
def stage(
    request: pytest.FixtureRequest, shared_context: BrowserContext, lab_server: LabServer
) -> Iterator[Stage]:
    """Yield a page with an open notebook and an agent that may run in it."""
    page = shared_context.new_page()
    open_lab(page, lab_server)
    notebook = f"{request.module.__name__}.ipynb"
    rights = {"notebooks": [notebook], "until": "30m"}
    with connected(page, lab_server, "Runner", "auto", **rights) as agent:
        agent.say("use_notebook", notebook=notebook, create=True)
        open_notebook(page, notebook)
        yield Stage(page, agent, lab_server, notebook)


@pytest.fixture
def own_page(profiles: Profiles) -> Iterator[Page]:
    """Yield a page for a server that stops, and expect the browser's errors about that."""
    with profiles.lend(Console()) as context:
        page = context.new_page()
        # JupyterLab shows a dialog that the server is gone, and keeps trying; a person closes it.
        lost = page.get_by_role("dialog").filter(has_text="Server Connection Error")
        page.add_locator_handler(lost, lambda: lost.get_by_role("button").last.click())
        yield page
