"""The whole way on a real server: session, room, kernel, document, file."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from jmcp_lab.files.contents import Contents
from jmcp_lab.kernels.runs.run import Piece, RunState
from jmcp_lab.kernels.sessions import KernelSessions
from jmcp_lab.rooms.rooms import Rooms

from ..support.outputs import read_outputs
from .conftest import LOG, Page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jupyter_server.serverapp import ServerApp

    from jmcp_lab.kernels.runs.executor import Executor

CELLS = [
    "for i in range(3): print(f'\\r{i}', end='', flush=True)\n'result'",
    "import sys\nprint('out'); print('err', file=sys.stderr)\n1/0",
    "h = display('one', display_id=True)\nprint('below')",
    "h.update({'n': 1})",
]


@pytest.fixture
def jp_server_config(tmp_path: Path) -> dict[str, Any]:
    return {
        "ServerApp": {
            "jpserver_extensions": {"jupyter_server_fileid": True, "jupyter_server_ydoc": True}
        },
        "SQLiteYStore": {"db_path": str(tmp_path / "ystore.db")},
        "BaseFileIdManager": {"db_path": str(tmp_path / "file_id_manager.db")},
    }


@pytest.fixture
def rooms(jp_serverapp: ServerApp, jp_asyncio_loop: asyncio.AbstractEventLoop) -> Iterator[Rooms]:
    rooms = Rooms(jp_serverapp, Contents(jp_serverapp.contents_manager), LOG)
    yield rooms
    jp_asyncio_loop.run_until_complete(rooms.stop())


async def test_room_page_file_and_reply_have_the_same_outputs(
    jp_serverapp: ServerApp, jp_root_dir: Path, rooms: Rooms, executor: Executor
) -> None:
    notebook = new_notebook(cells=[new_code_cell(source) for source in CELLS])
    nbformat.write(notebook, jp_root_dir / "a.ipynb")
    assert jp_serverapp.kernel_spec_manager is not None
    sessions = KernelSessions(
        jp_serverapp.session_manager,
        jp_serverapp.kernel_manager,
        jp_serverapp.kernel_spec_manager,
    )
    live = await rooms.open("a.ipynb")
    page = Page(live.document)
    session = await sessions.start("a.ipynb", live.kernel_name)
    with rooms.lease(live):
        pieces = [Piece(live.source(cell_id) or "", cell_id) for cell_id in live.ids]
        run = executor.start(
            session.kernel_id, pieces, owner="a", notebook=live, stop_on_error=False
        )
        await run.wait()
        await rooms.save(live)
    assert run.state is RunState.FAILED
    assert run.path == "a.ipynb"
    saved = nbformat.read(jp_root_dir / "a.ipynb", as_version=4)
    nbformat.validate(saved)
    for index, result in enumerate(run.results):
        outputs = read_outputs(live.ycells[index])
        assert page.outputs(index) == outputs
        assert [dict(output) for output in saved.cells[index].outputs] == outputs
        assert saved.cells[index].execution_count == result.execution_count == index + 1
        if index != 2:
            assert result.outputs == outputs
    assert read_outputs(live.ycells[0])[0]["text"] == "2"
    assert [o["output_type"] for o in read_outputs(live.ycells[1])] == ["stream", "stream", "error"]
    shown = read_outputs(live.ycells[2])
    assert shown[0]["data"]["text/plain"] == "{'n': 1}"
    await sessions.shutdown(session)
