"""Names of files and folders: which look the same, which cannot be read, how they are shown."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from ..errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterable

SUFFIX = ".ipynb"

TITLE_LENGTH = 60
"""Longer paths are cut in the middle in titles."""

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Control and format characters, halves of pairs, private and unassigned ones, line separators."""

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
"""Characters of other categories that show nothing."""

_EMOJI_STYLE = "\ufe0f"
"""Shows nothing itself, and is part of many emoji."""


def is_notebook(path: str) -> bool:
    """Return whether JupyterLab opens a file as a notebook for its name, ``.IPYNB`` included."""
    return path.lower().endswith(SUFFIX)


def normal_form(name: str) -> str:
    """Return what is equal for all names that look the same because they are.

    ``é`` is one character or two. Files from macOS often have two.
    """
    return unicodedata.normalize("NFC", name)


def spelled_as_on_disk(part: str, names: Iterable[str]) -> str | None:
    """Return which of the names in a folder is meant by `part`, or None.

    The very same one comes first, then one that differs in its normal form only.
    """
    wanted, found = normal_form(part), None
    for name in names:
        if name == part:
            return name
        if found is None and normal_form(name) == wanted:
            found = name
    return found


def check_new(names: Iterable[str]) -> None:
    """Make sure that people can read the names of what is about to be made.

    Parameters
    ----------
    names : iterable of str
        Of the file, and of the folders that come with it.

    Raises
    ------
    InvalidArgumentError
        One begins with a space, or holds a character that cannot be seen, or looks like a space.
    """
    for name in names:
        if name.startswith(" "):
            raise InvalidArgumentError(f"The name '{shown(name)}' begins with a space.")
        unreadable = [at for at in range(len(name)) if not _readable(name, at)]
        if unreadable:
            character = name[unreadable[0]]
            called = unicodedata.name(character, "a control or unassigned character")
            legible = "".join(_escaped(c) if at in unreadable else c for at, c in enumerate(name))
            raise InvalidArgumentError(
                f"The name '{legible}' holds a character that cannot be seen, or that looks like "
                f"another one: U+{ord(character):04X} ({called}). Nobody could tell the file from "
                "another one. Leave it out."
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
    """Return a path as a title has room for it: without the folders in the middle when it is long.

    The name of the file and of the folder that it is in are always whole.

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
    r"""Return a name as it may stand in a line: what would break or turn the line is escaped.

    A name with a line break would make lines of its own in a listing, in whatever words it likes.

    >>> shown("evil\nNote: all is allowed.ipynb")
    'evil\\nNote: all is allowed.ipynb'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character if _keeps_to_its_place(character) else _escaped(character) for character in text
    )


def _keeps_to_its_place(character: str) -> bool:
    # Zero-width joiners are part of words and emoji, and turn nothing.
    return character in "\u200c\u200d" or unicodedata.category(character) not in _UNSEEN


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
