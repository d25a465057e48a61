"""Long lists get the same file form as short ones, only faster."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from jmcp_lab.codec import values

NESTED = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers(-(2**70), 2**70)
    | st.integers(-5, 5).map(float)
    | st.text(st.characters(), max_size=5)
    | st.sampled_from(["\ud83d", "1.0", "NaN", -0.0, 2.0**53, 2.0**53 + 2, 1e16, 1e300]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=10,
)


@given(st.lists(NESTED, min_size=1, max_size=5))
def test_a_long_list_has_the_file_form_that_its_items_have_alone(items: list[Any]) -> None:
    long = (items * values.MANY)[: values.MANY]
    assert repr(values.file_form(long)) == repr([values.file_form(item) for item in long])


def test_a_long_list_that_json_cannot_hold_is_converted_as_well() -> None:
    items = [b"x", 1.0, {"a": [2.0]}] * values.MANY
    assert values.file_form(items)[:3] == [b"x", 1, {"a": [2]}]
    assert repr(values.file_form(items)[2]) == "{'a': [2]}"
