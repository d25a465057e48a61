"""Shared maps as Python has them: the same as pycrdt says, sooner."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Array, Doc, Map, Text, XmlFragment

from jmcp_lab.notebooks.shared_values import to_python

texts = st.text(st.characters(codec="utf-8"), max_size=8)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | texts | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
shared = st.recursive(
    plain | texts.map(Text),
    lambda inner: (
        st.lists(inner, max_size=3).map(Array) | st.dictionaries(texts, inner, max_size=3).map(Map)
    ),
    max_leaves=12,
)


def kinds(value: Any) -> Any:  # noqa: ANN401 - of any type
    """Return a value with the type of all that is in it; what is no number equals itself."""
    if isinstance(value, dict):
        return {key: kinds(each) for key, each in value.items()}
    if isinstance(value, list):
        return [kinds(each) for each in value]
    return type(value), "nan" if isinstance(value, float) and math.isnan(value) else value


@given(st.dictionaries(texts, shared, max_size=4))
def test_a_shared_map_matches_what_pycrdt_returns(content: dict[str, Any]) -> None:
    doc: Doc[Any] = Doc()
    doc["map"] = found = Map(content)
    assert kinds(to_python(found)) == kinds(found.to_py())
    with doc.transaction():
        assert kinds(to_python(found)) == kinds(found.to_py())


def test_missing_values_of_a_notebook_can_be_read() -> None:
    doc: Doc[Any] = Doc()
    doc["map"] = found = Map({"doc": Doc(), "xml": XmlFragment()})
    with pytest.raises(ValueError, match="no Python equivalent"):
        to_python(found)
    del found["xml"]
    assert isinstance(to_python(found)["doc"], Doc)


def test_a_map_can_be_read_while_a_change_is_reported() -> None:
    doc: Doc[Any] = Doc()
    doc["map"] = found = Map({"text": Text("a")})
    said: list[Any] = []
    subscription = found.observe_deep(lambda _: said.append(to_python(found)))
    text = found["text"]
    text += "b"
    assert said == [{"text": "ab"}]
    found.unobserve(subscription)
