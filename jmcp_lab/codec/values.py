"""Convert JSON values between files and the shared document.

Pages read the document. They have one number type, and they cannot handle lone surrogates. So a
value has two forms. The *document form* has floats for numbers, null for non-finite numbers, and
U+FFFD for lone surrogates. The *file form* of a document's value has ints for whole floats, within
the range where these are exact. If the round trip from file to document and back changes a value,
`originals` knows what the file had.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_INTEGER: Final = 1 << 53
"""The limit up to which every whole number is exact as a float."""

MAX_DEPTH: Final = 100
"""Maximum nesting of lists and dicts in a document; pages recurse, and so does this code."""

REPLACEMENT: Final = "\ufffd"

_HALVES = re.compile("[\ud800-\udfff]")
_KINDS: Final = {int: 0, float: 0, bool: 1, str: 2, type(None): 3}
_NUMBERS: Final = ({int}, {float}, {int, float})


def well_formed(text: str) -> str:
    """Return a text with U+FFFD in place of each lone surrogate."""
    return text if text.isascii() else _HALVES.sub(REPLACEMENT, text)


def is_well_formed(text: str) -> bool:
    """Return whether a text has no lone surrogates."""
    return text.isascii() or _HALVES.search(text) is None


def document_form(value: Any, depth: int = 0) -> Any:  # noqa: ANN401 - JSON
    """Return the document form of a JSON value."""
    # An output may hold millions of values, so every check here costs time.
    kind = type(value)
    if kind is str:
        return value if value.isascii() else _HALVES.sub(REPLACEMENT, value)
    if kind is int or kind is float:
        return _document_number(value)
    if value is None or kind is bool:
        return value
    if isinstance(value, dict):
        if depth >= MAX_DEPTH:
            return None
        depth += 1
        return {
            key if type(key) is str and key.isascii() else well_formed(str(key)): (
                item if type(item) is str and item.isascii() else document_form(item, depth)
            )
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return _document_list(value, depth) if depth < MAX_DEPTH else None
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, int | float):
        return _document_number(value)
    # A value that is not JSON does not come from a file. The writer will report it.
    return value


def _document_list(values: Sequence[Any], depth: int) -> list[Any]:
    kinds = {*map(type, values)}
    if kinds not in _NUMBERS:
        return [document_form(item, depth + 1) for item in values]
    if kinds == {float} and all(map(math.isfinite, values)):
        return list(values)
    if kinds == {int} and -MAX_INTEGER <= min(values) and max(values) <= MAX_INTEGER:
        return [*map(float, values)]
    return [*map(_document_number, values)]


def _document_number(value: float) -> float | str | None:
    try:
        found = float(value)
    except OverflowError:
        # The number is too large for a float, so only its digits can be shown.
        return str(value)
    return found if math.isfinite(found) else None


def format_number(value: Any) -> float:  # noqa: ANN401 - JSON
    """Return the document form of one of the two numbers of a notebook's format."""
    try:
        found = float(value)
    except OverflowError:
        return float(MAX_INTEGER)
    except (TypeError, ValueError):
        return 0.0
    return found if math.isfinite(found) else 0.0


def file_form(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return the file form of a document's value, as far as the value itself determines it."""
    if type(value) is str:
        return value
    if isinstance(value, dict):
        return {key: item if type(item) is str else file_form(item) for key, item in value.items()}
    if isinstance(value, float):
        return _file_number(value)
    if isinstance(value, list | tuple):
        kinds = {*map(type, value)}
        if kinds == {float}:
            return _file_numbers(value)
        return list(value) if kinds == {str} else [file_form(item) for item in value]
    return value


def _file_numbers(values: Sequence[float]) -> list[float]:
    """Return the file form of many floats, without a Python call for each if possible."""
    if not any(map(float.is_integer, values)):
        return list(values)
    if (
        all(map(float.is_integer, values))
        and -MAX_INTEGER <= min(values) <= max(values) <= MAX_INTEGER
    ):
        # An int has no negative zero.
        if 0.0 not in values or all(value or str(value) == "0.0" for value in values):
            return [*map(int, values)]
    return [*map(_file_number, values)]


def _file_number(value: float) -> float:
    if (
        value.is_integer()
        and -MAX_INTEGER <= value <= MAX_INTEGER
        and (value or str(value) == "0.0")
    ):
        return int(value)
    return value


def is_exact(value: Any, depth: int = 0) -> bool:  # noqa: ANN401 - JSON
    """Return whether a value survives the round trip through its document form unchanged."""
    if isinstance(value, str):
        return is_well_formed(value)
    if value is None or isinstance(value, bool):
        return True
    if isinstance(value, int):
        return -MAX_INTEGER <= value <= MAX_INTEGER
    if isinstance(value, float):
        # Large floats stay floats on the way back, so remembering them is merely unnecessary.
        return math.isfinite(value) and not value.is_integer()
    if depth >= MAX_DEPTH:
        return False
    if isinstance(value, dict):
        return all(is_exact(str(k)) and is_exact(item, depth + 1) for k, item in value.items())
    if isinstance(value, list | tuple):
        kinds = {*map(type, value)}
        if kinds == {int}:
            return bool(-MAX_INTEGER <= min(value) and max(value) <= MAX_INTEGER)
        if kinds == {float}:
            return not any(map(float.is_integer, value)) and all(map(math.isfinite, value))
        return all(is_exact(item, depth + 1) for item in value)
    return True


def fingerprint(value: Any) -> int:  # noqa: ANN401 - JSON
    """Return a hash of a document's value that is stable within this process."""
    if isinstance(value, dict):
        return hash(("{", frozenset((key, fingerprint(item)) for key, item in value.items())))
    if isinstance(value, list | tuple):
        if {*map(type, value)} in _NUMBERS:
            return hash(("[", 0, tuple(value)))
        kinds = tuple(map(_KINDS.get, map(type, value)))
        items = tuple(map(fingerprint, value)) if None in kinds else tuple(value)
        return hash(("[", kinds, items))
    if value == 0 and isinstance(value, float):
        return hash(("0", str(value)))
    if value == 0 and type(value) is int:
        return hash(("0", "0.0"))
    return hash((_KINDS.get(type(value)), value))


def copied(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a copy that may be modified."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        if _KINDS.keys() >= {*map(type, value)}:
            return list(value)
        return [copied(item) for item in value]
    return value


def weight(value: Any) -> int:  # noqa: ANN401 - JSON
    """Return the approximate memory size of a value, in bytes."""
    total, waiting = 0, [value]
    while waiting:
        part = waiting.pop()
        total += 50
        if isinstance(part, str):
            total += len(part)
        elif isinstance(part, dict):
            total += sum(50 + len(str(key)) for key in part)
            waiting += part.values()
        elif isinstance(part, list | tuple):
            if part and isinstance(part[0], int | float):
                total += 32 * len(part)
            else:
                waiting += part
    return total
