"""Cells whose ids a program has changed, or whose ids say nothing, are the cells that they were."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jmcp_lab.codec.fingerprint import Version, renamed

from ..rooms.pages.test_rejoin import NOTEBOOK, Shore
from ..support.desk import Content, notebook_of, sit_down
from ..support.files import Files

ODD_IDS = [5, 1.5, True, "a\ud800b", "\x00", "", None]


def numbered(content: Content) -> None:
    """Number the cells, as nbstripout does."""
    for number, cell in enumerate(content["cells"]):
        cell["id"] = str(number)


def one_anew(content: Content) -> None:
    content["cells"][1]["id"] = "new"


def numbered_and_changed(content: Content) -> None:
    numbered(content)
    content["cells"][1]["source"] = "two changed"


def numbered_and_more(content: Content) -> None:
    numbered(content)
    content["cells"].append({**content["cells"][0], "id": "more", "source": "more"})


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (numbered, {"0": "one", "1": "mine two", "2": "three"}),
        (one_anew, {"c0": "one", "new": "mine two", "c2": "three"}),
        (numbered_and_changed, {"0": "one", "1": "mine two changed", "2": "three"}),
        (numbered_and_more, {"0": "one", "1": "mine two", "2": "three", "more": "more"}),
    ],
)
async def test_a_program_gives_cells_new_ids_while_a_person_types(
    tmp_path: Path, change: Callable[[Content], None], wanted: dict[str, str]
) -> None:
    desk = await sit_down(tmp_path, notebook_of("one", "two", "three"))
    desk.type("c1", "mine ")
    desk.change(change)
    await desk.look()
    assert desk.sources == wanted
    saved = await desk.save()
    assert {cell["id"]: cell["source"] for cell in saved["cells"]} == wanted


async def test_a_cell_that_a_program_puts_in_place_of_another_is_a_new_cell(
    tmp_path: Path,
) -> None:
    desk = await sit_down(tmp_path, notebook_of("one", "two", "three"))
    desk.type("c1", "mine ")

    def change(content: Content) -> None:
        content["cells"][1] |= {"id": "new", "source": "something else"}

    desk.change(change)
    await desk.look()
    assert set(desk.sources.values()) == {"one", "mine two", "something else", "three"}


@pytest.mark.parametrize("odd", ODD_IDS, ids=repr)
@pytest.mark.parametrize("typed", ["", "mine "])
async def test_a_cell_with_an_odd_id_is_one_cell_after_an_outside_change(
    tmp_path: Path, odd: object, typed: str
) -> None:
    content = notebook_of("one", "two")
    content["cells"][0]["id"] = odd
    desk = await sit_down(tmp_path, content)
    desk.type(desk.notebook.ids[0], typed)
    desk.change(lambda content: content["cells"][0].update(source="one changed"))
    desk.change(lambda content: content["metadata"].update(more=1))
    await desk.look()
    assert list(desk.sources.values()) == [f"{typed}one changed", "two"]


@pytest.mark.parametrize("change", [numbered, one_anew, numbered_and_more])
async def test_a_program_gives_cells_new_ids_while_no_server_runs(
    tmp_path: Path, change: Callable[[Content], None]
) -> None:
    shore = Shore(Files(tmp_path), "a.ipynb", NOTEBOOK)
    shore.where.write_text(json.dumps(notebook_of("one", "two", "three")))
    await shore.starts()
    await shore.ends()
    content = json.loads(shore.where.read_text())
    change(content)
    shore.where.write_text(json.dumps(content))
    shore.page.notebook.ycells[1]["source"].insert(0, "typed ")
    await shore.starts()
    wanted = ["one", "typed two", "three", "more"][: len(content["cells"])]
    assert shore.page.texts == wanted
    await shore.room.autosave.save()
    saved = json.loads(shore.where.read_text())["cells"]
    assert ["".join(cell["source"]) for cell in saved] == wanted
    await shore.ends()


@pytest.mark.parametrize("odd", ODD_IDS, ids=repr)
async def test_a_cell_with_an_odd_id_is_one_cell_after_a_restart(
    tmp_path: Path, odd: object
) -> None:
    shore = Shore(Files(tmp_path), "a.ipynb", NOTEBOOK)
    content: dict[str, Any] = notebook_of("one", "two")
    content["cells"][0]["id"] = odd
    shore.where.write_text(json.dumps(content))
    await shore.starts()
    await shore.ends()
    content = json.loads(shore.where.read_text())
    content["cells"][1]["source"] = "two from git"
    shore.where.write_text(json.dumps(content))
    shore.page.notebook.ycells[0]["source"].insert(0, "typed ")
    await shore.starts()
    assert shore.page.texts == ["typed one", "two from git"]
    await shore.ends()


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["", "x", "y"]), max_size=5),
    st.dictionaries(st.sampled_from("cdefgh"), st.sampled_from(["", "x", "y"]), max_size=5),
    st.booleans(),
)
def test_each_new_id_maps_to_one_old_id_and_only_changed_ids_are_listed(
    old: dict[str, str], new: dict[str, str], made_up: bool
) -> None:
    found = renamed(old, new, made_up=made_up)
    assert len({*found.values()}) == len(found)
    assert not {*found} & {*old}
    assert not {*found.values()} & {*new}


@given(st.lists(st.sampled_from([*"ab", "a\ud800", *range(3), True, None]), max_size=4))
def test_a_version_has_all_ids_of_the_document_or_none(ids: list[Any]) -> None:
    cells = [{"id": cell_id, "source": "", "cell_type": "raw"} for cell_id in ids]
    found = Version.of({"cells": cells}).ids
    texts = [cell_id for cell_id in ids if isinstance(cell_id, str)]
    if found is None:
        assert len(texts) < len(ids) or len({*texts}) < len(texts)
    else:
        assert list(found) == [cell_id.replace("\ud800", "\ufffd") for cell_id in texts]
