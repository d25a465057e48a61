"""What a server pays for this package when it starts."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def importing() -> Iterator[None]:
    """Pause Python's garbage collector while modules are imported.

    Importing makes objects that stay, by the hundred thousand. The collector would go through all
    of them again and again, find nothing, and take a third of the time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def settle() -> None:
    """Tell the garbage collector that what the server has loaded by now is there to stay.

    A full collection stops the server for as long as it takes to go through every object: 0.15 s
    with what a JupyterLab server loads, several times a second while many agents work; a tenth of
    that without it.
    """
    gc.freeze()
