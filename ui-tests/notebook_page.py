"""Reads what a page shows of a notebook, what its model holds, and what was saved."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import nbformat
from playwright.sync_api import TimeoutError as PlaywrightTimeout

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from playwright.sync_api import Page

_CURRENT = "window.jupyterapp.shell.currentWidget"

# Returns each visible output: its MIME type, its exact text, its image.
_RENDERED = """number => {
  const panel = document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden)');
  const cell = panel.querySelectorAll('.jp-Cell')[number - 1];
  return [...cell.querySelectorAll('.jp-OutputArea-child')].map(child => {
    const output = child.querySelector('.jp-OutputArea-output');
    return {
      mime: output?.dataset.mimeType ?? null,
      text: output?.textContent ?? '',
      image: output?.querySelector('img')?.src ?? null
    };
  });
}"""

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_PREFERRED = ("text/html", "image/png", "text/plain")


def rendered(page: Page, number: int) -> list[dict[str, Any]]:
    """Return the outputs of a cell, counted from 1, as the page shows them."""
    drawn: list[dict[str, Any]] = page.evaluate(_RENDERED, number)
    return drawn


def shared_outputs(page: Page, number: int) -> list[dict[str, Any]]:
    """Return the outputs of a cell in the page's copy of the document."""
    found: list[dict[str, Any]] = page.evaluate(
        f"number => {_CURRENT}.model.sharedModel.cells[number - 1].toJSON().outputs", number
    )
    return [_joined(output) for output in found]


def model_outputs(page: Page, number: int) -> list[dict[str, Any]]:
    """Return the outputs of a cell in the model that the page renders."""
    found: list[dict[str, Any]] = page.evaluate(
        f"number => {_CURRENT}.content.widgets[number - 1].model.outputs.toJSON()", number
    )
    return [_joined(output) for output in found]


def save(page: Page) -> None:
    """Save the current notebook, and wait until it is saved."""
    page.evaluate(f"() => {_CURRENT}.context.save().then(() => null)")


def saved_notebook(path: Path) -> nbformat.NotebookNode:
    """Read a notebook from the disk; it must be valid."""
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    return notebook


def saved_outputs(path: Path, number: int) -> list[dict[str, Any]]:
    """Return the outputs of a cell in a valid notebook on the disk."""
    return [_joined(output) for output in saved_notebook(path).cells[number - 1].outputs]


def drawing_of(page: Page, outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return how the page must show outputs of a document."""
    return [_drawing(page, output) for output in outputs]


def wait_until_drawn(page: Page, number: int, wanted: list[dict[str, Any]]) -> None:
    """Wait until the page shows exactly these outputs; on a timeout, show the difference."""
    try:
        page.wait_for_function(
            f"([number, wanted]) => JSON.stringify(({_RENDERED})(number)) === wanted",
            arg=[number, page.evaluate("value => JSON.stringify(value)", wanted)],
            timeout=10_000,
        )
    except PlaywrightTimeout:
        drawn = "\n".join(map(repr, rendered(page, number)))
        expected = "\n".join(map(repr, wanted))
        raise AssertionError(f"drawn:\n{drawn}\nwanted:\n{expected}") from None


def _drawing(page: Page, output: dict[str, Any]) -> dict[str, Any]:
    kind = output["output_type"]
    if kind == "stream":
        mime = f"application/vnd.jupyter.{output['name']}"
        return {"mime": mime, "text": _ANSI.sub("", output["text"]), "image": None}
    if kind == "error":
        traceback = "\n".join(output["traceback"]) or f"{output['ename']}: {output['evalue']}"
        text = _ANSI.sub("", traceback)
        # JupyterLab renders a traceback as text on stderr.
        return {"mime": "application/vnd.jupyter.stderr", "text": text, "image": None}
    data = output["data"]
    mime = next(each for each in _PREFERRED if each in data)
    if mime == "image/png":
        source = f"data:image/png;base64,{data[mime]}"
        return {"mime": mime, "text": "", "image": source}
    text = data[mime]
    if mime == "text/html":
        text = page.evaluate(
            "html => new DOMParser().parseFromString(html, 'text/html').body.textContent", text
        )
    return {"mime": mime, "text": text, "image": None}


def _joined(output: Mapping[str, Any]) -> dict[str, Any]:
    """Return an output with joined texts, because a file may store them line by line."""
    plain: dict[str, Any] = dict(output)
    if plain["output_type"] == "stream":
        plain["text"] = _text(plain["text"])
    if "data" in plain:
        plain["data"] = {mime: _text(value) for mime, value in plain["data"].items()}
        # A trailing line feed of an image's base64 text has no meaning.
        if "image/png" in plain["data"]:
            plain["data"]["image/png"] = plain["data"]["image/png"].rstrip("\n")
        plain["metadata"] = dict(plain.get("metadata") or {})
    return plain


def _text(value: object) -> object:
    return "".join(value) if isinstance(value, list) else value
