"""Two saves within one tick of the disk's clock: the file's time does not tell them apart."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell

from ...support.robots import Robot, write_notebook


async def test_a_simultaneous_save_by_another_server_is_kept(robot: Robot, root: Path) -> None:
    file = root / "a.ipynb"
    write_notebook(root, "a.ipynb", "1")
    await robot.say("insert_cell", notebook="a.ipynb", source="ours")
    notebook = await robot.open("a.ipynb")
    await robot.app.rooms.save(notebook)
    known = os.stat(file)
    content = nbformat.read(file, as_version=4)
    content.cells.append(new_code_cell("theirs"))
    nbformat.write(content, file)
    os.utime(file, ns=(known.st_atime_ns, known.st_mtime_ns))
    await robot.say("insert_cell", notebook="a.ipynb", source="more of ours", index=0)
    await robot.app.rooms.save(notebook)
    found = {cell.source for cell in nbformat.read(file, as_version=4).cells}
    assert {"1", "ours", "theirs", "more of ours"} <= found
    assert "theirs" in {str(cell["source"]) for cell in notebook.ycells}
