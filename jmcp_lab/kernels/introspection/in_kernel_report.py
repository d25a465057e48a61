"""Describe the variables of an IPython kernel; the source of this module runs inside the kernel.

So it imports only the standard library, keeps to what old versions of Python understand, and leaves
no name behind. The ``repr`` of an object is the user's code: it may fail, or take for ever and be
interrupted.
"""

from __future__ import annotations

import difflib
import json
import reprlib
import types
from typing import Any

PLAIN = (bool, float, complex, str, bytes, bytearray, type(None))
HOLDERS = (list, tuple, dict, set, frozenset)
FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, types.MethodType)
LONG_INTEGER = 4000
"""Maximum bits of an integer whose digits are computed."""
COLUMNS = 30


def report(shell: Any, names: Any, most: int, width: int) -> str:  # noqa: ANN401
    """Return JSON about the given variables, or about all that the user created.

    Parameters
    ----------
    shell : InteractiveShell
    names : list of str or None
    most : int
        Maximum number of variables.
    width : int
        Characters of each preview.
    """
    space = shell.user_ns
    known = _own(shell) if names is None else [name for name in names if name in space]
    found: dict[str, Any] = {"variables": [], "modules": [], "functions": [], "classes": []}
    chosen = []
    for name in known:
        kind = _group(space[name]) if names is None else "variables"
        if kind == "variables":
            chosen.append(name)
        else:
            found[kind].append(name)
    previews = True
    for name in chosen[:most]:
        try:
            entry = describe(space[name], width if previews else 0)
        except KeyboardInterrupt:
            # The server has given up waiting, so list the remaining variables without previews.
            previews = False
            entry = {"type": type(space[name]).__name__, "preview": "(its repr takes too long)"}
        entry["name"] = name
        found["variables"].append(entry)
    found["more"] = max(0, len(chosen) - most)
    found["missing"] = [name for name in names or [] if name not in space]
    if found["missing"]:
        near = (difflib.get_close_matches(name, _own(shell), 3) for name in found["missing"])
        found["near"] = sorted({name for group in near for name in group})
    return json.dumps(found)


def _own(shell: Any) -> list[str]:  # noqa: ANN401
    """Return the names that the user created, as IPython's own `%who` determines them."""
    hidden = shell.user_ns_hidden
    nothing = object()
    return [
        name
        for name, value in list(shell.user_ns.items())
        if not name.startswith("_") and hidden.get(name, nothing) is not value
    ]


def _group(value: object) -> str:
    if isinstance(value, types.ModuleType):
        return "modules"
    if isinstance(value, FUNCTIONS):
        return "functions"
    return "classes" if isinstance(value, type) else "variables"


def describe(value: Any, width: int) -> dict[str, Any]:  # noqa: ANN401
    """Return type, shape, size and, unless `width` is 0, a preview of a value."""
    kind = type(value)
    named = kind.__name__
    if kind.__module__ not in ("builtins", "__main__"):
        named = kind.__module__.split(".")[0] + "." + named
    entry: dict[str, Any] = {"type": named}
    shape = _attribute(value, "shape")
    if isinstance(shape, tuple) and all(isinstance(part, int) for part in shape):
        entry["shape"] = [int(part) for part in shape]
    elif isinstance(value, (*HOLDERS, str, bytes, bytearray)):
        entry["length"] = len(value)
    dtype = _attribute(value, "dtype")
    if dtype is not None:
        entry["dtype"] = str(dtype)[:60]
    size = _bytes(value)
    if size is not None:
        entry["bytes"] = size
    if width:
        entry["preview"] = _preview(value, width)
    return entry


def _attribute(value: Any, name: str) -> Any:  # noqa: ANN401
    """Return an attribute that the type defines; ignore objects that answer to every name."""
    if not hasattr(type(value), name):
        return None
    try:
        return getattr(value, name)
    except Exception:
        return None


def _bytes(value: Any) -> int | None:  # noqa: ANN401
    size = _attribute(value, "nbytes")
    if size is None and _attribute(value, "columns") is not None:
        usage = _attribute(value, "memory_usage")
        try:
            size = int(usage(index=True).sum()) if usage is not None else None
        except Exception:
            size = None
    return size if isinstance(size, int) else None


def _preview(value: Any, width: int) -> str:  # noqa: ANN401
    try:
        if isinstance(value, int) and not isinstance(value, bool):
            if value.bit_length() > LONG_INTEGER:
                return f"an integer with {value.bit_length()} bits"
            text = repr(value)
        elif type(value) in PLAIN or type(value) in HOLDERS:
            text = _short(width).repr(value)
        elif _attribute(value, "dtypes") is not None and _attribute(value, "columns") is not None:
            text = _columns(value)
        elif _attribute(value, "head") is not None and _attribute(value, "dtype") is not None:
            text = _short(width).repr(list(value.head(6)))
        else:
            text = repr(value)
    except Exception as error:
        return f"(its repr fails: {type(error).__name__})"
    text = " ".join(str(text)[: 20 * width].split())
    return text if len(text) <= width else text[: width - 1] + "\u2026"


def _columns(frame: Any) -> str:  # noqa: ANN401
    """Return the columns of a data frame with their types."""
    pairs = list(zip(list(frame.columns), list(frame.dtypes)))  # noqa: B905 - new in Python 3.10
    words = ", ".join(f"{name} {kind}" for name, kind in pairs[:COLUMNS])
    rest = len(pairs) - COLUMNS
    return "columns: " + words + (f", and {rest} more" if rest > 0 else "")


def _short(width: int) -> reprlib.Repr:
    """Return a repr that stays short however much a container holds."""
    made = reprlib.Repr()
    made.maxlevel = 4
    made.maxstring = made.maxother = made.maxlong = width
    made.maxlist = made.maxtuple = made.maxset = made.maxfrozenset = made.maxdict = max(
        4, width // 12
    )
    return made
