"""Compute the hash of a saved file from what was written.

Reading the file afterwards may find what another program has written meanwhile.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

from .notebook_files import bytes_of

WRITERS = ("save", "_save_notebook", "_save_file", "run_pre_save_hooks")
"""Methods of a contents manager that determine which bytes are written."""

JUPYTERS_OWN = "jupyter_server.services.contents."


async def hash_written(manager: Any, model: dict[str, Any]) -> str | None:  # noqa: ANN401
    """Return the hash of a file that was just saved, as its contents manager computes it.

    Parameters
    ----------
    manager : ContentsManager
    model : dict
        The model that it was given. Pre-save hooks may have changed it in place.

    Returns
    -------
    str or None
        None if the manager may write other bytes than Jupyter's own would.
    """
    if not _writes_as_jupyter(type(manager)) or not hasattr(manager, "hash_algorithm"):
        return None
    # Serializing a large notebook takes a while.
    return await asyncio.to_thread(_hash, manager.hash_algorithm, model)


def writes_as_given(manager: Any) -> bool:  # noqa: ANN401
    """Return whether a contents manager writes notebooks and texts exactly as given."""
    # A manager that stores its hooks elsewhere by now may have some.
    named = getattr(manager, "_pre_save_hooks", (True,))
    hooks = getattr(manager, "pre_save_hook", None), *named
    return _writes_as_jupyter(type(manager)) and not any(hooks)


def _writes_as_jupyter(manager: type) -> bool:
    found = [getattr(manager, name, None) for name in WRITERS]
    return all(callable(f) and f.__module__.startswith(JUPYTERS_OWN) for f in found)


def _hash(algorithm: str, model: dict[str, Any]) -> str | None:
    data = bytes_of(model)
    return None if data is None else hashlib.new(algorithm, data).hexdigest()
