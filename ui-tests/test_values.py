"""Tests that notebooks with values that no page can hold open, and that typed text is saved."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from lab_page import open_notebook
from notebook_page import save

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from lab_server import LabServer

KERNEL = {"kernelspec": {"display_name": "Python 3 (ipykernel)", "name": "python3"}}

VALUES = {
    "no number": [float("nan"), float("inf"), float("-inf")],
    "long": [2**63, -(2**64) - 1, 10**400],
    "whole": [1.0, -0.0, 1e22, 1.989e30],
    "half": "a\ud83db",
}


@pytest.fixture
def lab_page(kept_page: Page) -> Page:
    """Return one page for all tests here."""
    return kept_page


def code(cell_id: str, source: str, value: object) -> dict[str, Any]:
    data = {"application/json": {"v": value}, "text/plain": str(value)}
    output = {"output_type": "display_data", "data": data, "metadata": {"v": value}}
    return {
        "cell_type": "code",
        "execution_count": 1,
        "id": cell_id,
        "metadata": {"v": value},
        "outputs": [output],
        "source": source,
    }


@pytest.mark.parametrize("kind", VALUES)
def test_a_person_opens_types_and_saves_beside_unusual_values(
    lab_page: Page, lab_server: LabServer, kind: str
) -> None:
    value = VALUES[kind]
    path = lab_server.root / f"values-{kind.replace(' ', '-')}.ipynb"
    half = "y = 'a\ud83db'"
    content = {
        "cells": [code("a", "first", value), code("b", half, value), code("c", "third", value)],
        "foo": value,
        "metadata": KERNEL | {"v": value},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(content))
    open_notebook(lab_page, path.name)
    editors = lab_page.locator(".jp-Notebook .jp-Cell .cm-content")
    expect(editors).to_have_count(3)
    expect(editors.nth(1)).to_have_text("y = 'a\ufffdb'")
    for number in (0, 1):
        editors.nth(number).click()
        lab_page.keyboard.press("Control+Home")
        lab_page.keyboard.type("typed ")
        content["cells"][number]["source"] = "typed " + content["cells"][number]["source"]
    save(lab_page)
    expect(lab_page.locator(".jp-Dialog")).to_have_count(0)
    saved = json.loads(path.read_text())
    for cell in saved["cells"]:
        cell["source"] = "".join(cell["source"])
        for output in cell["outputs"]:
            output["data"]["text/plain"] = "".join(output["data"]["text/plain"])
    # The page says which kernel it started.
    saved["metadata"] = KERNEL | {"v": saved["metadata"]["v"]}
    assert ordered(saved) == ordered(content)


def test_moving_and_copying_a_cell_keeps_its_values(lab_page: Page, lab_server: LabServer) -> None:
    value = [1.0, 2**64, float("nan"), "\ud83d"]
    path = lab_server.root / "values-moved.ipynb"
    cells = [code("a", "x = '\ud83d'", value), code("b", "second", [1])]
    content = {"cells": cells, "metadata": KERNEL, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(content))
    open_notebook(lab_page, path.name)
    lab_page.locator(".jp-Notebook .jp-Cell .cm-content").first.click()
    lab_page.keyboard.press("Escape")
    lab_page.keyboard.press("c")
    lab_page.keyboard.press("Control+Shift+ArrowDown")
    lab_page.keyboard.press("v")
    editors = lab_page.locator(".jp-Notebook .jp-Cell .cm-content")
    expect(editors).to_have_count(3)
    expect(editors.first).to_have_text("second")
    save(lab_page)
    second, first, copied = json.loads(path.read_text())["cells"]
    for cell in (first, copied):
        cell["source"] = "".join(cell["source"])
        assert repr(cell["metadata"]) == repr({"v": value})
        assert repr(cell["outputs"][0]["metadata"]) == repr({"v": value})
        assert cell["source"] == "x = '\ud83d'"
    assert repr(second["metadata"]) == "{'v': [1]}"


def ordered(value: object) -> str:
    """Return JSON that is the same for the same values, numbers and all."""
    return json.dumps(value, sort_keys=True)
