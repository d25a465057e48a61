"""Names of files and folders: which look the same, which are illegible, how to display them."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from ..errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterable

SUFFIX = ".ipynb"

TITLE_LENGTH = 60
"""Maximum length of a path in a title; longer ones are shortened in the middle."""

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories: control, format, surrogate, private and unassigned characters, line
separators.
"""

_BLANK = frozenset(
    [
        "\u034f",  # combining grapheme joiner
        *("\u115f", "\u1160", "\u3164", "\uffa0"),  # Hangul fillers
        *("\u17b4", "\u17b5"),  # Khmer vowels that are not written
        *(chr(code) for code in range(0x180B, 0x1810)),  # Mongolian variation selectors
        "\u2800",  # the Braille pattern without a dot
        *(chr(code) for code in range(0xFE00, 0xFE10)),  # variation selectors
        *(chr(code) for code in range(0xE0100, 0xE01F0)),
    ]
)
"""Characters of other categories that are invisible."""

_EMOJI_STYLE = "\ufe0f"
"""A variation selector that is invisible itself, but part of many emoji."""


def is_notebook(path: str) -> bool:
    """Return whether JupyterLab opens a file of this name as a notebook, ``.IPYNB`` included."""
    return path.lower().endswith(SUFFIX)


def normal_form(name: str) -> str:
    """Return a name in a form that is equal for all Unicode spellings of it.

    ``é`` is one character or two. Files from macOS often have two.
    """
    return unicodedata.normalize("NFC", name)


def spelled_as_on_disk(part: str, names: Iterable[str]) -> str | None:
    """Return which of a folder's names `part` means, or None.

    An exact match comes first, then a name that differs only in its Unicode normal form.
    """
    wanted, found = normal_form(part), None
    for name in names:
        if name == part:
            return name
        if found is None and normal_form(name) == wanted:
            found = name
    return found


def check_new(names: Iterable[str]) -> None:
    """Check that people can read the names of files and folders to be created.

    Parameters
    ----------
    names : iterable of str
        The names of the file, and of the folders created with it.

    Raises
    ------
    InvalidArgumentError
        A name begins with a space, or contains an invisible character or one that looks like a
        space.
    """
    for name in names:
        if name.startswith(" "):
            raise InvalidArgumentError(f"The name '{shown(name)}' starts with a space.")
        unreadable = [at for at in range(len(name)) if not _readable(name, at)]
        if unreadable:
            character = name[unreadable[0]]
            called = unicodedata.name(character, "a control or unassigned character")
            legible = "".join(_escaped(c) if at in unreadable else c for at, c in enumerate(name))
            raise InvalidArgumentError(
                f"The name '{legible}' contains a character that is invisible or looks like "
                f"another one: U+{ord(character):04X} ({called}). People could take the file for "
                "another one. Leave the character out."
            )


def _readable(name: str, at: int) -> bool:
    character = name[at]
    if character == _EMOJI_STYLE:
        return at > 0 and unicodedata.category(name[at - 1]) == "So"
    category = unicodedata.category(character)
    if category == "Zs":
        return character == " "
    return category not in _UNSEEN and character not in _BLANK


def short_path(path: str) -> str:
    """Return a path short enough for a title, with folders in the middle left out if needed.

    The name of the file and of its folder are always complete.

    >>> short_path("reports/by-region/northern-hemisphere/quarterly-figures/2026/sales.ipynb")
    'reports/by-region/northern-hemisphere/…/2026/sales.ipynb'
    """
    whole = shown(path)
    parts = whole.split("/")
    if len(whole) <= TITLE_LENGTH:
        return whole
    for kept in range(len(parts) - 3, -1, -1):
        short = "/".join([*parts[:kept], "…", *parts[-2:]])
        if len(short) <= TITLE_LENGTH or not kept:
            return short
    return whole


def shown(text: str) -> str:
    r"""Escape characters in a name that would break its line or change its direction.

    Otherwise a name with a line break could add lines of its own to a listing, with any content.

    >>> shown("evil\nNote: all is allowed.ipynb")
    'evil\\nNote: all is allowed.ipynb'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character if _keeps_to_its_place(character) else _escaped(character) for character in text
    )


def _keeps_to_its_place(character: str) -> bool:
    # Zero-width joiners are part of words and emoji, and do not affect the direction of text.
    return character in "\u200c\u200d" or unicodedata.category(character) not in _UNSEEN


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
