"""Fixtures: a real kernel of a real server, an executor, a notebook and a page that follows it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import pytest
from jupyter_ydoc import YNotebook
from pycrdt import Doc, TransactionEvent

from jmcp_lab.kernels.runs.executor import Executor
from jmcp_lab.notebooks.live_notebook import LiveNotebook
from jmcp_lab.notebooks.notebook_document import NotebookDocument

from ..support.outputs import read_outputs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jupyter_server.serverapp import ServerApp
    from traitlets.config import Config

    from jmcp_lab.kernels.runs.run import PieceResult

LOG = logging.getLogger("jmcp_lab.tests")


class Page:
    """A second document that gets every update of the first one, as a page does."""

    def __init__(self, notebook: YNotebook) -> None:
        self.document = YNotebook(Doc())
        self.updates = 0
        self.document.ydoc.apply_update(notebook.ydoc.get_update())
        self._subscription = notebook.ydoc.observe(self._follow)

    def _follow(self, event: TransactionEvent) -> None:
        self.updates += 1
        self.document.ydoc.apply_update(event.update)

    def outputs(self, index: int) -> list[dict[str, Any]]:
        return read_outputs(self.document.ycells[index])

    def state(self, index: int) -> str:
        return str(self.document.ycells[index]["execution_state"])

    def count(self, index: int) -> int | None:
        return self.document.ycells[index]["execution_count"]


class Bench:
    """A notebook in a room of its own, with a page that has it open."""

    def __init__(self, *sources: str) -> None:
        self.document = NotebookDocument()
        self.document.set(
            {
                "cells": [
                    {
                        "id": f"cell{index}",
                        "cell_type": "code",
                        "source": source,
                        "metadata": {},
                        "outputs": [],
                        "execution_count": None,
                    }
                    for index, source in enumerate(sources)
                ],
                "metadata": {},
                "nbformat": 4,
                "nbformat_minor": 5,
            }
        )
        self.notebook = LiveNotebook(self.document, lambda: "test.ipynb", "file")
        self.page = Page(self.document)

    def outputs(self, index: int = 0) -> list[dict[str, Any]]:
        """Return the cell's outputs, which the page must have as well."""
        outputs = read_outputs(self.document.ycells[index])
        assert self.page.outputs(index) == outputs
        return outputs

    def text(self, index: int = 0) -> str:
        return "".join(output.get("text", "") for output in self.outputs(index))


@pytest.fixture
def jp_server_config() -> Config | dict[str, Any]:
    return {}


@pytest.fixture
def executor(
    jp_serverapp: ServerApp, jp_asyncio_loop: asyncio.AbstractEventLoop
) -> Iterator[Executor]:
    executor = Executor(jp_serverapp.kernel_manager, LOG)
    yield executor
    jp_asyncio_loop.run_until_complete(executor.stop())


@pytest.fixture
def kernel_id(jp_serverapp: ServerApp, jp_asyncio_loop: asyncio.AbstractEventLoop) -> Iterator[str]:
    manager = jp_serverapp.kernel_manager
    kernel_id = jp_asyncio_loop.run_until_complete(manager.start_kernel())
    yield kernel_id
    if kernel_id in manager:
        jp_asyncio_loop.run_until_complete(manager.shutdown_kernel(kernel_id, now=True))


async def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Return when a condition holds; fail after a while."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 -- not every condition has an event
            await asyncio.sleep(0.01)


def assert_complete(text: str, count: int, result: PieceResult) -> None:
    """Check that no line of a count is missing, or that the kernel's own loss is told.

    On an overloaded machine ipykernel drops messages that it has no time to send.
    """
    lines = text.splitlines()
    if result.note is None:
        assert lines == [str(number) for number in range(count)]
    else:
        assert "Some output is missing" in result.note
        assert count * 0.5 < len(lines) < count
        assert [int(line) for line in lines] == sorted({int(line) for line in lines})
