"""Wrap a contents manager to read and write notebooks that it cannot handle itself.

nbformat raises an error for a file with a byte order mark, and for a notebook without metadata. A
contents manager signs notebooks, and cannot sign lone surrogates. This module reads and writes such
files as text, through the same contents manager.
"""

from __future__ import annotations

import asyncio
import json
import re
from base64 import b64decode
from typing import Any, Final, cast

import nbformat
from jupyter_server.utils import ensure_async

from ..codec.cell_form import new_id
from ..codec.values import copied, is_well_formed
from ..server.heavy_work import in_short_turns, takes_long
from ..server.manager_errors import ManagerError
from .cut_off import ZERO, decoded, is_cut_off

# Their functions carry no types.
_nbformat: Any = nbformat

BYTE_ORDER_MARK: Final = "\ufeff"
KNOWN_FORMAT: Final = 4
TRANSIENT: Final = ("orig_nbformat", "orig_nbformat_minor", "signature")
"""Metadata keys that nbformat removes when it reads and writes."""


class UnreadableNotebookError(ManagerError):
    """A file is not a notebook.

    Parameters
    ----------
    why : str
        The reason, as the end of a sentence.
    cut_off : bool, optional
        Whether only its end is missing.
    """

    def __init__(self, why: str, *, cut_off: bool = False) -> None:
        super().__init__(400, f"Unreadable Notebook: {why.replace('%', '%%')}")
        self.why = why
        self.cut_off = cut_off


def why_no_notebook(error: Exception) -> str | None:
    """Return why a file is not a notebook, or None if reading it failed for another reason."""
    if isinstance(error, UnreadableNotebookError):
        return error.why
    return "it is not UTF-8 text" if getattr(error, "status_code", None) == 400 else None


class NotebookFiles:
    """A contents manager that can read and write every notebook.

    Parameters
    ----------
    manager : ContentsManager
        Of any kind, synchronous or not. It handles everything else.
    """

    def __init__(self, manager: Any) -> None:  # noqa: ANN401 - its methods carry no types
        self._manager = manager

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._manager, name)

    @property
    def plain(self) -> Any:  # noqa: ANN401
        """The wrapped contents manager."""
        return self._manager

    async def get(self, path: str, content: bool = True, **how: Any) -> Any:  # noqa: ANN401
        """Return the model of a file, as the contents manager does.

        Raises
        ------
        UnreadableNotebookError
            It is not a notebook.
        """
        try:
            return await self._get(path, content=content, **how)
        except Exception as error:
            if not content or how.get("type") != "notebook":
                raise
            if getattr(error, "status_code", 400) not in (400, 500):
                raise
            try:
                model, text = await self._text(path, how)
            except Exception:
                raise error from None
            if text is None:
                raise
            return model | {"type": "notebook", "format": "json", "content": parsed(text)}

    async def _text(self, path: str, how: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
        """Return the model of a file, and its text, whose end may be missing."""
        how = how | {"type": "file", "content": True}
        try:
            model = await self._get(path, **how | {"format": "text"})
        except Exception:
            # It may end inside a character.
            model = await self._get(path, **how | {"format": "base64"})
            return model, decoded(b64decode(model["content"]))
        return model, model["content"]

    async def _get(self, path: str, **how: Any) -> dict[str, Any]:
        """Return a model; its hash is None if the manager does not support hashes yet."""
        if "require_hash" not in how:
            return cast("dict[str, Any]", await ensure_async(self._manager.get(path, **how)))
        try:
            model = await ensure_async(self._manager.get(path, **how))
        except TypeError:
            # An error for another reason will be raised again.
            without = {name: value for name, value in how.items() if name != "require_hash"}
            model = await ensure_async(self._manager.get(path, **without))
        return {"hash": None, **model}

    async def save(self, model: dict[str, Any], path: str) -> Any:  # noqa: ANN401
        """Write a file, and return its model, as the contents manager does."""
        if model.get("type") == "notebook" and not await _nbformat_can(model["content"]):
            text = {"type": "file", "format": "text", "content": written(model["content"])}
            saved = await ensure_async(self._manager.save(text, path))
            return saved | {"type": "notebook"}
        return await ensure_async(self._manager.save(model, path))


def parsed(text: str) -> dict[str, Any]:
    """Parse a text as a notebook, converted to format 4.

    Raises
    ------
    UnreadableNotebookError
    """
    try:
        content = json.loads(text.removeprefix(BYTE_ORDER_MARK).rstrip(ZERO))
    except json.JSONDecodeError as error:
        raise UnreadableNotebookError(
            f"line {error.lineno}, column {error.colno}: {error.msg}",
            cut_off=is_cut_off(error),
        ) from error
    except (ValueError, RecursionError) as error:
        raise UnreadableNotebookError(f"its JSON is invalid ({error})") from error
    if not isinstance(content, dict):
        raise UnreadableNotebookError("its JSON is not an object")
    number = content.get("nbformat", 1)
    if not isinstance(number, int | float) or number > KNOWN_FORMAT:
        raise UnreadableNotebookError(
            f"its nbformat is {json.dumps(number)[:20]}, and the latest known format is "
            f"{KNOWN_FORMAT}"
        )
    try:
        if number < KNOWN_FORMAT:
            return dict(_nbformat.reads(json.dumps(content), as_version=KNOWN_FORMAT))
        return _put_right(content)
    except Exception as error:
        # nbformat converts whatever is there, and may raise any exception.
        raise UnreadableNotebookError(
            f"its contents are not those of a notebook ({type(error).__name__}: {str(error)[:100]})"
        ) from error


def _put_right(content: dict[str, Any]) -> dict[str, Any]:
    """Return a format 4 notebook as nbformat would read it, even if nbformat rejects it."""
    cells = content.get("cells")
    if not isinstance(cells, list):
        raise UnreadableNotebookError("it has no list of cells")
    for number, cell in enumerate(cells, 1):
        if not isinstance(cell, dict):
            raise UnreadableNotebookError(f"cell {number} is not an object")
    found: dict[str, Any] = _nbformat.v4.rwbase.rejoin_lines(_nbformat.from_dict(content))
    _strip_transient(found)
    if found.get("nbformat_minor", 0) >= 5:
        seen = set()
        for cell in found["cells"]:
            if "id" not in cell or cell["id"] in seen:
                cell["id"] = new_id()
            seen.add(cell["id"])
    return found


def _strip_transient(content: dict[str, Any]) -> None:
    for part, keys in (
        (content, TRANSIENT),
        *((cell, ("trusted",)) for cell in content["cells"]),
    ):
        metadata = part.get("metadata")
        if isinstance(metadata, dict):
            for key in keys:
                metadata.pop(key, None)


def written(content: dict[str, Any]) -> str:
    """Return the text of a notebook's file, with lone surrogates as JSON escapes."""
    plain = copied(content)
    _strip_transient(plain)
    for cell in plain["cells"]:
        _split(cell)
    text = json.dumps(plain, ensure_ascii=False, indent=1, sort_keys=True, separators=(",", ": "))
    return re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", text) + "\n"


def bytes_of(model: dict[str, Any]) -> bytes | None:
    """Return the bytes of a notebook or text that `NotebookFiles` has saved.

    Returns
    -------
    bytes or None
        None for other kinds of file.
    """
    content = model["content"]
    if model["type"] == "file":
        return content.encode() if model.get("format") == "text" else None
    if not _nbformat_writes(content):
        return written(content).encode()
    text: str = _nbformat.versions[KNOWN_FORMAT].writes_json(_nbformat.from_dict(content))
    return (text if text.endswith("\n") else text + "\n").encode()


def _split(cell: dict[str, Any]) -> None:
    """Split the texts of a cell into lines as nbformat does, if they exist."""
    whole = {"cell_type": "raw", "outputs": []} | cell
    outputs = [output for output in whole["outputs"] if _is_output(output)]
    node = _nbformat.from_dict({"cells": [whole | {"outputs": outputs}]})
    (split,) = _nbformat.v4.rwbase.split_lines(node)["cells"]
    lines = iter(split["outputs"])
    for key in ("source", "attachments"):
        if key in cell:
            cell[key] = split[key]
    if "outputs" in cell:
        cell["outputs"] = [next(lines) if _is_output(o) else o for o in cell["outputs"]]


def _is_output(output: dict[str, Any]) -> bool:
    return "output_type" in output and (output["output_type"] != "stream" or "text" in output)


async def _nbformat_can(content: dict[str, Any]) -> bool:
    """Return whether nbformat can write a notebook; check a large one in a thread."""
    if takes_long(content):
        return await asyncio.to_thread(in_short_turns, _nbformat_writes, content)
    return _nbformat_writes(content)


def _nbformat_writes(content: dict[str, Any]) -> bool:
    """Return whether nbformat can write a notebook, and the contents manager can sign it."""
    if not isinstance(content.get("metadata"), dict):
        return False
    if any(type(content.get(key, 0)) is not int for key in ("nbformat", "nbformat_minor")):
        return False
    for cell in content["cells"]:
        if not isinstance(cell.get("metadata"), dict) or "cell_type" not in cell:
            return False
        if cell["cell_type"] == "code" and not all(map(_is_output, cell.get("outputs", [{}]))):
            return False
    return _all_well_formed(content)


def _all_well_formed(value: Any) -> bool:  # noqa: ANN401 - JSON
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            if not is_well_formed(part):
                return False
        elif isinstance(part, dict):
            waiting += part.keys()
            waiting += part.values()
        elif isinstance(part, list | tuple) and {*map(type, part)} - {int, float}:
            waiting += part
    return True
