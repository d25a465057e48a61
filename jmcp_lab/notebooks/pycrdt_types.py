"""The types of pycrdt without a public name, in one place.

Where one of them is gone after an upgrade, a stand-in that nothing is an instance of takes its
place: the extension must load to say what is missing (`rooms/upstream/names.py`), and then it opens
no notebook.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


class _Gone:
    """Stands in for a name that pycrdt no longer has."""


def _named(module: str, name: str) -> Any:  # noqa: ANN401 - its types are not public
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError):
        return type(name, (_Gone,), {})


RawArray = _named("pycrdt._pycrdt", "Array")
RawMap = _named("pycrdt._pycrdt", "Map")
RawText = _named("pycrdt._pycrdt", "Text")
RawArrayEvent = _named("pycrdt._pycrdt", "ArrayEvent")
RawMapEvent = _named("pycrdt._pycrdt", "MapEvent")
RawTextEvent = _named("pycrdt._pycrdt", "TextEvent")
BaseType = _named("pycrdt._base", "BaseType")
process_event = _named("pycrdt._base", "process_event")
