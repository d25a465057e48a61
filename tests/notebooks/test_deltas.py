"""A list follows a shared array by what its events say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Array, ArrayEvent, Doc

from jmcp_lab.notebooks.deltas import replacements

STEPS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3), st.integers(0, 3)), max_size=6)


@given(STEPS)
def test_a_list_that_makes_the_replacements_is_what_the_array_is(
    steps: list[tuple[int, int, int]],
) -> None:
    array = Doc().get("cells", type=Array)
    array += [0.0, 1.0, 2.0, 3.0]
    held = list(array)

    def follow(event: ArrayEvent) -> None:
        for index, deleted, inserted in replacements(event.delta):
            held[index : index + deleted] = inserted

    subscription = array.observe(follow)
    with array.doc.transaction():
        for number, (where, deleted, inserted) in enumerate(steps):
            at = min(where, len(array))
            del array[at : min(at + deleted, len(array))]
            for offset in range(inserted):
                array.insert(at + offset, 10.0 * number + offset)
    array.unobserve(subscription)
    assert held == list(array)
