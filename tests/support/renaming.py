"""Renames names in other packages, as their next release might."""

from __future__ import annotations

import inspect
from types import CodeType, FunctionType
from typing import Any

import pytest


def renamed(value: Any, name: str) -> Any:  # noqa: ANN401 - whatever a class has
    """Return a copy of a function, a property or code that uses a renamed name."""
    if isinstance(value, FunctionType):
        plain = inspect.unwrap(value)
        code = renamed(plain.__code__, name)
        return FunctionType(code, plain.__globals__, plain.__name__, None, plain.__closure__)
    if isinstance(value, property):
        return property(*(each and renamed(each, name) for each in (value.fget, value.fset)))
    if isinstance(value, CodeType):
        return value.replace(
            co_names=tuple(renamed(each, name) for each in value.co_names),
            co_varnames=tuple(renamed(each, name) for each in value.co_varnames),
            co_consts=tuple(renamed(each, name) for each in value.co_consts),
        )
    if isinstance(value, tuple):
        return tuple(renamed(each, name) for each in value)
    return f"{name}_renamed" if isinstance(value, str) and value == name else value


def twin(cls: type, name: str) -> type:
    """Return a copy of a class without one name."""
    members: dict[str, Any] = {}
    for base in reversed(cls.__mro__[:-1]):
        members |= {key: renamed(value, name) for key, value in vars(base).items()}
    kept = {key for key in members if not key.startswith("__")} - {name}
    return type(cls.__name__, (), {key: members[key] for key in kept})


def rename_throughout(monkeypatch: pytest.MonkeyPatch, name: str, *classes: type) -> None:
    """Rename a name in classes and in their code, so that they still work."""
    for cls in classes:
        for key, value in list(vars(cls).items()):
            for part in (value, getattr(value, "fget", None)):
                plain = inspect.unwrap(part) if callable(part) else None
                if isinstance(plain, FunctionType):
                    monkeypatch.setattr(plain, "__code__", renamed(plain.__code__, name))
            if key == name:
                monkeypatch.setattr(cls, f"{name}_renamed", value, raising=False)
                monkeypatch.delattr(cls, name)
