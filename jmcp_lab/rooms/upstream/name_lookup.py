"""Look for a name in another package, without calling anything of it."""

from __future__ import annotations

import dis
from functools import cache
from importlib import import_module
from inspect import unwrap
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

Looked = Literal["has", "mentions"]
"""Whether a place has a name as its attribute, or a function's code mentions it."""


def is_there(place: str, name: str, looked: Looked) -> bool:
    """Return whether a name exists.

    Parameters
    ----------
    place : str
        A module, and after a colon what is in it: ``package.module:Class.method``.
    name : str
    looked : str
    """
    try:
        owner = _owner(place)
        if looked == "mentions":
            return name in _mentioned(unwrap(owner))
        return hasattr(owner, name) or sets_on_itself(owner, name)
    except Exception:
        # Whatever a changed package does when it is looked at, the server starts.
        return False


def _owner(place: str) -> Any:  # noqa: ANN401
    module, _, path = place.partition(":")
    owner: Any = import_module(module)
    for step in filter(None, path.split(".")):
        owner = getattr(owner, step)
    return owner


def _functions(owner: type) -> Iterator[CodeType]:
    """Yield the code of each function of a class, and of its properties."""
    for cls in owner.__mro__:
        for found in vars(cls).values():
            parts = (found.fget, found.fset) if isinstance(found, property) else (found,)
            for part in parts:
                plain = unwrap(getattr(part, "__func__", part)) if callable(part) else None
                if isinstance(plain, FunctionType):
                    yield plain.__code__


def sets_on_itself(owner: object, name: str) -> bool:
    """Return whether a function of a class sets an attribute of that name."""
    if not isinstance(owner, type):
        return False
    # Few functions have the name at all, and disassembling all would hold up each start.
    return any(
        name in code.co_names and name in _attributes_set(code) for code in _functions(owner)
    )


@cache
def _attributes_set(code: CodeType) -> frozenset[str]:
    return frozenset(
        str(step.argval) for step in dis.get_instructions(code) if step.opname == "STORE_ATTR"
    )


def _mentioned(function: Any) -> set[str]:  # noqa: ANN401
    """Return the names, parameters and texts in the code of a function."""
    found: set[str] = set()
    codes = [function.__code__] if isinstance(function, FunctionType) else []
    while codes:
        code = codes.pop()
        found |= {*code.co_names, *code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]}
        for each in code.co_consts:
            # The keys of a dictionary are one constant.
            parts = each if isinstance(each, tuple) else (each,)
            found |= {part for part in parts if isinstance(part, str)}
            codes += [part for part in parts if isinstance(part, CodeType)]
    return found
