"""Numbers of things in words."""

from __future__ import annotations


def count(number: int, noun: str, plural: str = "") -> str:
    """Return for example ``1 cell``, ``3 cells`` or ``1,200 cells``.

    Parameters
    ----------
    number : int
    noun : str
        What one of them is called.
    plural : str, optional
        What several are called, where an "s" at the end does not say it.
    """
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"
