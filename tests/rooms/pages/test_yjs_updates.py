"""Updates of documents are taken apart and put together again without loss."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Array, Doc, Map, Text

from jmcp_lab.rooms.pages.yjs_updates import Ids, deletes, holds, join, split, without

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)
STEPS = st.lists(
    st.tuples(st.sampled_from(("text", "erase", "value", "map", "cut")), st.integers(0, 9), VALUES),
    max_size=25,
)


def written(steps: list[tuple[str, int, Any]]) -> tuple[Doc[Any], list[bytes]]:
    """Write and erase in a document; return it and its updates."""
    document: Doc[Any] = Doc()
    array, text = document.get("cells", type=Array), document.get("source", type=Text)
    updates: list[bytes] = []
    subscription = document.observe(lambda event: updates.append(event.update))
    for kind, at, value in steps:
        if kind == "text":
            text.insert(0, f"é{value}")
        elif kind == "erase" and len(text):
            del text[0 : len(str(text)[0].encode())]
        elif kind == "value":
            array.insert(at % (len(array) + 1), value)
        elif kind == "map":
            array.append(Map({"key": value, "source": Text("abc"), "list": Array([value])}))
        elif kind == "cut" and len(array):
            del array[at % len(array)]
    document.unobserve(subscription)
    return document, updates


def again(update: bytes) -> bytes:
    structs, inserted, deleted = split(update)
    assert bool(deleted) is deletes(update)
    for ids in inserted.values():
        assert all(start < end for start, end in ids)
    return join(structs, deleted)


@given(STEPS)
def test_every_update_knows_the_ids_it_brings(steps: list[tuple[str, int, Any]]) -> None:
    document, updates = written(steps)
    ids = sum(
        end - start
        for update in updates
        for ranges in split(update)[1].values()
        for start, end in ranges
    )
    state = split(document.get_update())[1]
    assert ids == sum(ranges[-1][1] for ranges in state.values())


@given(STEPS)
def test_every_update_is_read_completely_and_written_again(
    steps: list[tuple[str, int, Any]],
) -> None:
    document, updates = written(steps)
    copy: Doc[Any] = Doc()
    for update in updates:
        copy.apply_update(again(update))
    assert copy.get("cells", type=Array).to_py() == document.get("cells", type=Array).to_py()
    assert str(copy.get("source", type=Text)) == str(document.get("source", type=Text))
    update = document.get_update()
    assert again(update) == update


@given(STEPS)
def test_an_update_without_its_deletions_deletes_nothing(
    steps: list[tuple[str, int, Any]],
) -> None:
    _, updates = written([(kind, at, value) for kind, at, value in steps if kind != "value"])
    copy: Doc[Any] = Doc()
    for update in updates:
        copy.apply_update(join(split(update)[0], {}))
    assert len(copy.get("cells", type=Array)) == sum(kind == "map" for kind, *_ in steps)


RANGES = st.dictionaries(st.integers(0, 2), st.sets(st.integers(0, 40), max_size=25), max_size=3)


def ranges(ids: dict[int, set[int]]) -> Ids:
    found: Ids = {}
    for client, clocks in ids.items():
        for clock in sorted(clocks):
            mine = found.setdefault(client, [])
            if mine and mine[-1][1] == clock:
                mine[-1] = (mine[-1][0], clock + 1)
            else:
                mine.append((clock, clock + 1))
    return found


@given(RANGES, RANGES)
def test_sets_of_ids_are_subtracted_id_by_id(
    some: dict[int, set[int]], others: dict[int, set[int]]
) -> None:
    rest = without(ranges(some), ranges(others))
    for client in range(3):
        for clock in range(42):
            expected = clock in some.get(client, ()) and clock not in others.get(client, ())
            assert holds(rest, client, clock) is expected


@given(STEPS, st.floats(0, 1, exclude_max=True))
def test_half_an_update_is_refused(steps: list[tuple[str, int, Any]], share: float) -> None:
    update = written(steps)[0].get_update()
    with pytest.raises(ValueError, match="update"):
        split(update[: int(share * len(update))])
