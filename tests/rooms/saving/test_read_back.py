"""What is saved in another form than it was given is no other program's change."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jupyter_server.services.contents.largefilemanager import LargeFileManager
from pycrdt import Text

from jmcp_lab.codec.fingerprint import without_trust

from ...support.desk import Content, Desk, notebook_of, sit_down
from ...support.files import Files
from ...support.program import code_cell

Form = Callable[[Content], None]


def without_outputs(content: Content) -> None:
    for cell in content["cells"]:
        cell |= {"outputs": [], "execution_count": None}


def without_metadata(content: Content) -> None:
    content["metadata"] = {}
    for cell in content["cells"]:
        cell["metadata"] = {}


def with_own_metadata(content: Content) -> None:
    content["metadata"]["saved_by"] = "a manager"


def with_other_ids(content: Content) -> None:
    for cell in content["cells"]:
        cell["id"] = secrets.token_hex(4)


def without_spaces(content: Content) -> None:
    for cell in content["cells"]:
        cell["source"] = cell["source"].rstrip()


FORMS = (without_outputs, without_metadata, with_own_metadata, with_other_ids, without_spaces)


def drop_second(content: Content) -> None:
    del content["cells"][1]


def add_last(content: Content) -> None:
    content["cells"].append(code_cell("new", "theirs"))


def change_last(content: Content) -> None:
    content["cells"][-1]["source"] = "changed"


CHANGES = (change_last, add_last, drop_second)


class OwnManager(LargeFileManager):
    """Keeps notebooks in a form of its own."""

    forms: tuple[Form, ...] = ()

    def _save_notebook(self, os_path: str, nb: Any, capture_validation_error: Any = None) -> None:  # noqa: ANN401
        for form in self.forms:
            form(nb)
        super()._save_notebook(os_path, nb, capture_validation_error)


def rich() -> Content:
    content = notebook_of("one  ", "two  ", "three  ")
    for number, cell in enumerate(content["cells"]):
        cell["outputs"][0]["text"] = f"{number}\n"
        cell["metadata"] = {"tags": [str(number)]}
    content["metadata"]["ours"] = 1
    return content


def keep_in_form(desk: Desk, how: str, forms: list[Form]) -> None:
    manager: Any = desk.files.manager
    if how == "manager":
        manager.__class__ = OwnManager
        manager.forms = tuple(forms)
        return
    for form in forms:
        manager.register_pre_save_hook(lambda model, form=form, **_: form(model["content"]))


def said_by(content: Content) -> tuple[object, object]:
    """Return what has to stay; spaces at the end are not told from what a form has taken off."""
    cells = [
        (
            cell["source"].rstrip(),
            cell.get("outputs"),
            cell.get("execution_count"),
            without_trust(cell["metadata"]),
        )
        for cell in content["cells"]
    ]
    return cells, content["metadata"].get("ours")


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["hook", "manager"]),
    st.lists(st.sampled_from(FORMS), min_size=1, max_size=3, unique=True),
    st.lists(st.sampled_from(CHANGES), min_size=1, max_size=3, unique=True),
)
def test_another_programs_change_removes_nothing_else_from_the_document(
    tmp_path_factory: pytest.TempPathFactory,
    how: str,
    forms: list[Form],
    changes: list[Form],
) -> None:
    # Which cell that was is told by nothing then: it counts as another one.
    assume(not {with_other_ids, change_last} <= {*forms, *changes})

    async def play() -> None:
        desk = await sit_down(tmp_path_factory.mktemp("files"), rich())
        keep_in_form(desk, how, forms)
        desk.type("c0", "typed ")
        await desk.room.autosave.save()
        wanted: Content = desk.notebook.document.get()
        for change in changes:
            desk.change(change)
            change(wanted)
        await desk.look()
        assert said_by(desk.notebook.document.get()) == said_by(wanted)
        await desk.room.autosave.save()
        await desk.look()
        assert said_by(desk.notebook.document.get()) == said_by(wanted)
        await desk.files.close(desk.room)

    asyncio.run(play())


async def test_spaces_stripped_by_a_hook_stay_in_the_document(tmp_path: Path) -> None:
    def trim(model: dict[str, Any], **_: object) -> None:
        model["content"] = model["content"].replace(" \n", "\n")

    files = Files(tmp_path)
    files.manager.register_pre_save_hook(trim)
    where = tmp_path / "a.md"
    where.write_text("one\ntwo\n")
    room = await files.open("a.md", kind=("text", "file"))
    room.ydoc.get("source", type=Text).insert(3, " ")
    await room.autosave.save()
    where.write_text(where.read_text() + "theirs\n")
    await room._file.maybe_notify()
    assert room.document.get() == "one \ntwo\ntheirs\n"
    await files.close(room)
