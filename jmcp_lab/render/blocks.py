"""One output → one block: its whole text as a model should read it, its image, and what it is.

A block holds the whole text, because offsets into it must mean the same in a reply that cuts the
text and in a later call that pages it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jmcp_lab.text.sanitize import clean

from .formats import notes_on, shown_form
from .formats.plain_text import TYPE as PLAIN_TYPE
from .formats.plain_text import is_bare_repr
from .text import as_text
from .tracebacks import traceback_text, without_library_frames

if TYPE_CHECKING:
    from .formats.base import Format
    from .images import Picture

_NO_TEXT = "no visible text"


@dataclass(frozen=True, slots=True)
class Block:
    """What one output is to a model.

    Parameters
    ----------
    output : int
        Position of the output in its cell; the first is 1.
    kind : str
        The server's words for the marker, such as ``stdout``, ``error`` or ``result, markdown``.
    text : str
        The whole text; empty when there is none.
    picture : Picture or None
    notes : tuple of str
        The server's words about what is not shown.
    format : Format or None
        The format in which the output is shown; None for streams, errors and damaged outputs.
    mime_type : str or None
        The type whose whole content `text` is.
    """

    output: int
    kind: str
    text: str = ""
    picture: Picture | None = None
    notes: tuple[str, ...] = ()
    format: Format | None = field(default=None, compare=False, repr=False)
    mime_type: str | None = field(default=None, compare=False, repr=False)

    @property
    def is_error(self) -> bool:
        """Whether this is an exception."""
        return self.kind == "error"


def block_of(output: object, number: int) -> Block:
    """Return the block of one output; damaged outputs give a block that says so.

    Parameters
    ----------
    output : mapping
        An output as nbformat 4 defines it.
    number : int
        Its position in the cell, from 1.
    """
    if not isinstance(output, Mapping):
        return Block(number, "damaged", notes=("not an output of the notebook format",))
    kind = output.get("output_type")
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        raw = as_text(output.get("text"))
        text = clean(raw)
        if name == "stderr":
            text = without_library_frames(text)
        return _written_block(number, name, text.strip("\n"), raw)
    if kind == "error":
        return _written_block(number, "error", traceback_text(output))
    if kind in ("execute_result", "display_data", "update_display_data"):
        data = output.get("data")
        word = "result" if kind == "execute_result" else "display"
        if isinstance(data, Mapping):
            return _rich(number, word, {k: v for k, v in data.items() if isinstance(k, str)})
        return Block(number, word, notes=("damaged: no data",))
    return Block(number, "damaged", notes=("of an unknown output type",))


def _written_block(number: int, kind: str, text: str, raw: str = "") -> Block:
    """Return the block of an output that is only text; a note says so where nothing is visible."""
    if text.strip():
        return Block(number, kind, text)
    return Block(number, kind, notes=(_NO_TEXT if raw else "empty",))


def _rich(number: int, word: str, data: dict[str, Any]) -> Block:
    """Return the block of a mime bundle: the one form that tells a model most."""
    used, shown = shown_form(data)
    kind = f"{word}, {shown.what}" if shown.what else word
    text, notes = shown.text, shown.notes
    if notes is None:
        notes = notes_on(data, shown.mime_type, has_image=shown.picture is not None)
    if shown.picture is None and (not text.strip() or (notes and is_bare_repr(text))):
        text = ""
        notes = notes or (_NO_TEXT if data.get(PLAIN_TYPE) else "empty",)
    return Block(number, kind, text, shown.picture, notes, used, shown.mime_type)
