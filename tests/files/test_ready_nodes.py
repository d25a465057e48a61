"""Large notebooks are copied off the event loop, and saved as jupyter-server saves them."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import nbformat
import nbformat.notebooknode
import pytest

from jmcp_lab.files import ready_nodes

from .test_signatures import LARGE, SMALL, made, model, plain


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Return whether each whole notebook was copied on this thread."""
    found: list[bool] = []
    here, own = threading.get_ident(), ready_nodes._plain

    def noted(d: Any) -> Any:  # noqa: ANN401
        if isinstance(d, dict) and "cells" in d:
            found.append(threading.get_ident() == here)
        return own(d)

    monkeypatch.setattr(ready_nodes, "_plain", noted)
    return found


async def test_only_large_notebooks_are_copied_in_a_thread(
    tmp_path: Path, threads: list[bool]
) -> None:
    manager = made(tmp_path)
    await manager.save(model(LARGE), "a.ipynb")
    assert threads == [False]
    threads.clear()
    await manager.save(model(SMALL), "b.ipynb")
    assert threads == [True]


@pytest.mark.parametrize("numbers", [SMALL, LARGE])
async def test_the_file_is_the_same_as_without_this_extension(tmp_path: Path, numbers: int) -> None:
    texts = []
    for folder, manager in (("ours", made), ("theirs", plain)):
        (tmp_path / folder).mkdir()
        await manager(tmp_path / folder).save(model(numbers), "a.ipynb")
        texts.append((tmp_path / folder / "a.ipynb").read_text())
    assert texts[0] == texts[1]


@pytest.mark.parametrize("way", ["setting", "registered"])
async def test_a_hook_that_changes_the_notebook_before_a_save_is_respected(
    tmp_path: Path, way: str
) -> None:
    manager = made(tmp_path)

    def clear(model: dict[str, Any], **_: Any) -> None:
        model["content"]["cells"][0]["outputs"] = []

    if way == "setting":
        manager.pre_save_hook = clear
    else:
        manager.register_pre_save_hook(clear)
    await manager.save(model(LARGE), "a.ipynb")
    assert json.loads((tmp_path / "a.ipynb").read_text())["cells"][0]["outputs"] == []


async def test_a_copy_is_used_once_and_never_for_another_notebook(tmp_path: Path) -> None:
    made(tmp_path)
    content = model(LARGE)["content"]
    node = nbformat.from_dict(content)
    with ready_nodes._offered(content, node):
        assert nbformat.from_dict(dict(content)) is not node
        assert nbformat.from_dict(content) is node
        again = nbformat.from_dict(content)
        assert again == node
        assert again is not node
