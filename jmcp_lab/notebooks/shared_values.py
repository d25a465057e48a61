"""Convert a shared map to plain Python values.

This does the same as pycrdt's `to_py` in a fraction of the time. `to_py` wraps each value, looks up
each key twice, and opens a transaction each time. Saving a notebook converts all of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from .pycrdt_types import BaseType, RawArray, RawMap, RawText

if TYPE_CHECKING:
    from pycrdt import Map


def to_python(shared: Map[Any]) -> dict[str, Any]:
    """Return a shared map of a document, with everything in it, as plain Python values."""
    with shared.doc.transaction() as transaction:
        return cast("dict[str, Any]", _value(shared.integrated, transaction._txn, shared))


def _value(held: Any, now: Any, shared: Map[Any]) -> Any:  # noqa: ANN401 - what Yjs holds
    kind = type(held)
    if kind in _PLAIN:
        return held
    if kind is RawText:
        return held.get_string(now)
    if kind is RawMap:
        return {key: _value(held.get(now, key), now, shared) for key in held.keys(now)}
    if kind is RawArray:
        return [_value(held.get(now, at), now, shared) for at in range(held.len(now))]
    wrapped = shared._maybe_as_type_or_doc(held)
    return wrapped.to_py() if isinstance(wrapped, BaseType) else wrapped


_PLAIN = frozenset({str, float, int, bool, type(None), dict, list, bytes})
