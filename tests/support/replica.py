"""Provides a page whose messages stay in transit until a test delivers them."""

from __future__ import annotations

from typing import Any

from jupyter_ydoc import YNotebook
from pycrdt import Doc, TransactionEvent


def as_a_page_has_it(ydoc: Doc[Any]) -> dict[str, Any]:
    """Return the content that a page with the same document has."""
    page: Doc[Any] = Doc()
    page.apply_update(ydoc.get_update())
    found: dict[str, Any] = YNotebook(page).get()
    return found


class Replica:
    """A page: its own updates wait in `out`, and updates for it wait in `inbox`."""

    def __init__(self, state: bytes) -> None:
        self.ydoc: Doc[Any] = Doc()
        self.ydoc.apply_update(state)
        self.notebook = YNotebook(self.ydoc)
        self.out: list[bytes] = []
        self.inbox: list[bytes] = []
        self._hearing = False
        self.subscription = self.ydoc.observe(self._on_update)

    def _on_update(self, event: TransactionEvent) -> None:
        if not self._hearing:
            self.out.append(event.update)

    def hear(self, update: bytes) -> None:
        self._hearing = True
        try:
            self.ydoc.apply_update(update)
        finally:
            self._hearing = False
