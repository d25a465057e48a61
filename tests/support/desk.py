"""Provides an open notebook without a server, and a program that changes its file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat

from jmcp_lab.codec.fingerprint import Version
from jmcp_lab.notebooks import cells
from jmcp_lab.rooms.live_room import LiveRoom

from .files import Files
from .program import Program, code_cell

Content = dict[str, Any]


class Desk:
    """An open notebook, and a program that changes its file."""

    def __init__(self, files: Files, room: LiveRoom) -> None:
        self.files = files
        self.room = room
        self.path = files.root / "a.ipynb"
        self.program = Program(lambda: self.path)
        self.notebook = room.notebook

    @property
    def kept(self) -> list[str]:
        """Copies of unreadable files that were then overwritten."""
        return [copy for copy, _ in self.room.copies]

    def change(self, change: Callable[[Content], object], *, older: bool = False) -> None:
        content = json.loads(self.path.read_text())
        change(content)
        self.program.number += 1
        self.program.write(content, older=older)

    def type(self, cell_id: str, text: str, at: int = 0) -> None:
        cells.shared(self.notebook, cell_id)["source"].insert(at, text)

    async def look(self) -> None:
        await self.room._file.maybe_notify()

    async def save(self) -> Content:
        assert await self.files.upstream.save(self.room)
        content: Content = nbformat.read(self.path, 4)
        nbformat.validate(content)
        assert Version.of(content) == Version.of(self.notebook.document.get())
        return content

    @property
    def sources(self) -> dict[str, str]:
        return {i: str(self.notebook.source(i)) for i in self.notebook.ids}


async def sit_down(root: Path, content: Content) -> Desk:
    files = Files(root)
    (root / "a.ipynb").write_text(json.dumps(content))
    return Desk(files, await files.open("a.ipynb"))


def notebook_of(*sources: str, minor: int = 5) -> Content:
    found = [code_cell(f"c{number}", source) for number, source in enumerate(sources)]
    if minor < 5:
        for cell in found:
            del cell["id"]
    return {"cells": found, "metadata": {}, "nbformat": 4, "nbformat_minor": minor}


def set_source(number: int, source: str) -> Callable[[Content], None]:
    def change(content: Content) -> None:
        content["cells"][number]["source"] = source

    return change
