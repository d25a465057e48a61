"""Large notebooks are signed as jupyter-server signs them, but off the event loop."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from nbformat.sign import NotebookNotary

from jmcp_lab.files.signatures import sign_aside

LARGE, SMALL = 3000, 3


class OwnManager(AsyncLargeFileManager):
    """One that looks at what is trusted as it reads."""

    async def get(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        model: dict[str, Any] = await super().get(*arguments, **options)
        if model.get("content") and model["type"] == "notebook":
            model["seen"] = [trusted(model)]
        return model


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Return whether each signature was worked out on this thread."""
    found: list[bool] = []
    here, compute = threading.get_ident(), NotebookNotary.compute_signature

    def noted(notary: NotebookNotary, notebook: dict[str, Any]) -> str:
        found.append(threading.get_ident() == here)
        return str(compute(notary, notebook))

    monkeypatch.setattr(NotebookNotary, "compute_signature", noted)
    return found


def made(
    root: Path, kind: type[AsyncLargeFileManager] = AsyncLargeFileManager
) -> AsyncLargeFileManager:
    manager = kind(root_dir=str(root))
    manager.notary = NotebookNotary(data_dir=str(root))
    sign_aside(manager)
    return manager


def plain(root: Path) -> AsyncLargeFileManager:
    manager = AsyncLargeFileManager(root_dir=str(root))
    manager.notary = NotebookNotary(data_dir=str(root))
    return manager


def model(numbers: int, *, is_trusted: bool = True) -> dict[str, Any]:
    data = {"application/json": list(range(numbers))}
    cell = {
        "id": "a",
        "cell_type": "code",
        "metadata": {"trusted": is_trusted},
        "source": "1",
        "execution_count": 1,
        "outputs": [{"output_type": "display_data", "metadata": {}, "data": data}],
    }
    content = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}
    return {"type": "notebook", "format": "json", "content": content}


def trusted(read: dict[str, Any]) -> bool:
    return bool(read["content"]["cells"][0]["metadata"]["trusted"])


@pytest.mark.parametrize("numbers", [SMALL, LARGE])
async def test_outputs_that_a_person_ran_are_trusted_when_read_again(
    tmp_path: Path, numbers: int
) -> None:
    manager = made(tmp_path)
    await manager.save(model(numbers), "a.ipynb")
    assert trusted(await manager.get("a.ipynb"))
    # And by a server that knows nothing of this.
    assert trusted(await plain(tmp_path).get("a.ipynb"))


@pytest.mark.parametrize("numbers", [SMALL, LARGE])
async def test_outputs_that_nobody_ran_are_not_trusted(tmp_path: Path, numbers: int) -> None:
    manager = made(tmp_path)
    await manager.save(model(numbers, is_trusted=False), "a.ipynb")
    assert not trusted(await manager.get("a.ipynb"))


@pytest.mark.parametrize("numbers", [SMALL, LARGE])
async def test_outputs_that_another_program_wrote_are_not_trusted(
    tmp_path: Path, numbers: int
) -> None:
    manager = made(tmp_path)
    await manager.save(model(numbers), "a.ipynb")
    content = json.loads((tmp_path / "a.ipynb").read_text())
    content["cells"][0]["outputs"][0]["data"]["text/html"] = "<script>1</script>"
    nbformat.write(nbformat.from_dict(content), tmp_path / "a.ipynb")
    assert not trusted(await manager.get("a.ipynb"))


@pytest.mark.parametrize("numbers", [SMALL, LARGE])
@pytest.mark.parametrize("mark", [True, False, None])
@pytest.mark.parametrize("kind", ["markdown", "raw"])
async def test_every_notebook_is_trusted_as_without_this_extension(
    tmp_path: Path, numbers: int, mark: bool | None, kind: str
) -> None:
    found = []
    for folder, manager in (("ours", made), ("theirs", plain)):
        (tmp_path / folder).mkdir()
        whole = model(numbers)
        metadata = {} if mark is None else {"trusted": mark}
        other = {"id": "b", "cell_type": kind, "metadata": metadata, "source": "<button>"}
        whole["content"]["cells"].append(other)
        files = manager(tmp_path / folder)
        await files.save(whole, "a.ipynb")
        found.append(
            [cell["metadata"] for cell in (await files.get("a.ipynb"))["content"]["cells"]]
        )
    assert found[0] == found[1]


async def test_only_large_notebooks_are_signed_in_a_thread(
    tmp_path: Path, threads: list[bool]
) -> None:
    manager = made(tmp_path)
    await manager.save(model(LARGE), "a.ipynb")
    await manager.get("a.ipynb")
    assert threads == [False, False]
    threads.clear()
    await manager.save(model(SMALL), "b.ipynb")
    await manager.get("b.ipynb")
    assert threads == [True, True]


async def test_a_contents_manager_with_its_own_method_signs_as_before(
    tmp_path: Path, threads: list[bool]
) -> None:
    manager = made(tmp_path, OwnManager)
    await manager.save(model(LARGE), "a.ipynb")
    read = await manager.get("a.ipynb")
    assert read["seen"] == [True]
    assert set(threads) == {True}


async def test_a_task_started_by_a_read_signs_as_before(
    tmp_path: Path, threads: list[bool]
) -> None:
    manager = made(tmp_path)
    await manager.save(model(LARGE), "a.ipynb")
    go, later = asyncio.Event(), []
    notebook = nbformat.from_dict(model(LARGE)["content"])
    mark = manager.mark_trusted_cells

    async def after() -> None:
        await go.wait()
        mark(notebook, "b.ipynb")

    def emit(data: object) -> None:
        if not later:
            later.append(asyncio.create_task(after()))

    manager.emit = emit  # type: ignore[method-assign]
    await manager.get("a.ipynb")
    threads.clear()
    go.set()
    await later[0]
    assert threads == [True]
    assert "trusted" in notebook["cells"][0]["metadata"]
