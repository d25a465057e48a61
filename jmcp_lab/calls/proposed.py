"""Format calls that a reply proposes, so that they can be made exactly as written."""

from __future__ import annotations


def proposed(tool: str, **arguments: object) -> str:
    """Return a call as text, without arguments that are None.

    Values are written as Python literals, so no name can break the line or end its quotes.

    >>> proposed("list_cells", start=16, limit=None, notebook="a.ipynb")
    "list_cells(start=16, notebook='a.ipynb')"
    """
    given = (f"{name}={value!r}" for name, value in arguments.items() if value is not None)
    return f"{tool}({', '.join(given)})"


def other(value: object, default: object) -> object:
    """Return an argument's value for a proposed call, or None if it is the default."""
    return None if value == default else value
