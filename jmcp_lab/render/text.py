"""Text of outputs: cleaned as a terminal would show it, cut and paged with exact counts.

Output text is written by whatever the kernel ran, so it may hold terminal control sequences and
characters that a reader cannot see but a model reads. Both are removed before anything is counted,
so that the offsets in a reply are offsets into the text that paging returns.

Everything here works in linear time: outputs of 100 MB do occur.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jmcp_lab.text.sanitize import clean

LeftOutHint = Callable[[int], str]
"""Function that returns, for the offset of the first character left out, how to get the rest."""

MIN_CLIP = 120
"""Shortest limit that has room for the words about a cut."""

_BASE64_MARK = ";base64,"
_DATA_HEAD = re.compile(r"data:([\w.+-]{1,40}/[\w.+-]{1,60})?\Z")
_LONGEST_HEAD = 110
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*+")
_LONG_DATA = 200
_PIECE = 1 << 18
_PART = 2000
"""Number of values that become JSON at once."""
_LONG_TEXT = 10_000
"""Length above which a text becomes JSON by itself."""
_JSON_LEVELS = 3
"""Levels of JSON that are broken into lines; a line for each number would be four times as long."""
_JSON_LINE = 100


def as_text(value: object) -> str:
    """Return the text of a value of a notebook file, where text may be a list of lines.

    Values of a wrong type, which only a damaged notebook holds, become JSON.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return "".join(item if isinstance(item, str) else compact_json(item) for item in value)
    return compact_json(value)


def compact_json(value: object) -> str:
    """Return JSON without spaces, or a few words if the value is not JSON."""
    try:
        return "".join(json_parts(value))
    except (TypeError, ValueError, RecursionError):
        return f"(a {type(value).__name__} that is not JSON)"


def json_parts(value: object) -> Iterator[str]:
    """Yield JSON without spaces in parts, because no other thread runs while one is made.

    Raises
    ------
    TypeError, ValueError, RecursionError
        The value is no JSON.
    """
    if isinstance(value, list | tuple) and value:
        yield "["
        yield from _items(value)
        yield "]"
    elif isinstance(value, dict) and value:
        yield "{"
        yield from _items(value)
        yield "}"
    else:
        yield _dumped(value)


def json_text(content: object) -> str:
    """Return JSON as text, broken into lines that are not too long."""
    return clean(_laid_out(content))


def _laid_out(value: object, level: int = 0) -> str:
    """Return JSON with a line for each part of the upper levels that is long."""
    line = compact_json(value)
    if level == _JSON_LEVELS or len(line) <= _JSON_LINE or not value:
        return line
    indent = " " * (level + 1)
    if isinstance(value, Mapping):
        parts = [f"{compact_json(str(k))}: {_laid_out(v, level + 1)}" for k, v in value.items()]
        opening, closing = "{}"
    elif isinstance(value, list):
        parts = [_laid_out(part, level + 1) for part in value]
        opening, closing = "[]"
    else:
        return line
    inner = ",\n".join(indent + part for part in parts)
    return f"{opening}\n{inner}\n{' ' * level}{closing}"


def _items(value: Sequence[object] | Mapping[Any, object]) -> Iterator[str]:
    """Yield what is between the brackets: small neighbours together, large values in parts."""
    pairs = value.items() if isinstance(value, Mapping) else ((None, item) for item in value)
    small: list[tuple[Any, object]] = []
    room, comma = _PART, ""

    def done() -> str:
        nonlocal room, comma
        found = dict(small) if isinstance(value, Mapping) else [item for _, item in small]
        text = comma + _dumped(found)[1:-1] if small else ""
        small.clear()
        room, comma = _PART, "," if text else comma
        return text

    for key, item in pairs:
        left = _left(item, room)
        if left < 0:
            yield done()
            left = _left(item, room)
        if left >= 0:
            small.append((key, item))
            room = left
            continue
        # The encoder decides how to write keys that are not text.
        yield comma + (_dumped({key: 0})[1:-2] if isinstance(value, Mapping) else "")
        comma = ","
        yield from json_parts(item)
    yield done()


def _left(value: object, room: int) -> int:
    """Return how much room is left after a value; negative if there is not enough."""
    if isinstance(value, str):
        return room - 1 - len(value) * _PART // _LONG_TEXT
    if not isinstance(value, list | tuple | dict):
        return room - 1
    room -= 1
    if len(value) > room:
        return -1
    for item in value.values() if isinstance(value, dict) else value:
        room = _left(item, room)
        if room < 0:
            break
    return room


def _dumped(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def matches(pattern: re.Pattern[str], text: str, longest: int) -> Iterator[re.Match[str]]:
    """Yield the matches of a pattern, searching piece by piece so that other threads run.

    Parameters
    ----------
    pattern : re.Pattern
    text : str
    longest : int
        Length of the longest possible match, lookahead included.
    """
    at = 0
    for start in range(0, len(text), _PIECE):
        stop = start + _PIECE
        at = max(at, start)
        while at < stop and (match := pattern.search(text, at, stop + longest)):
            if match.start() >= stop:
                break
            yield match
            at = max(match.end(), at + 1)


def short_data_urls(text: str, words: Callable[[str, int, str], str]) -> str:
    """Return a text with its long base64 data URLs replaced.

    Parameters
    ----------
    text : str
    words : Callable
        Returns the replacement for a mime type, which may be empty, the number of base64
        characters, and the base64 itself.
    """
    kept: list[str] = []
    done = at = 0
    while (mark := text.find(_BASE64_MARK, at)) >= 0:
        head = _DATA_HEAD.search(text, max(done, mark - _LONGEST_HEAD), mark)
        start = at = mark + len(_BASE64_MARK)
        while (run := _BASE64.match(text, at, at + _PIECE)) and run.end() > at:
            at = run.end()
        if head and at - start >= _LONG_DATA:
            kept += [text[done : head.start()], words(head[1] or "", at - start, text[start:at])]
            done = at
    return "".join([*kept, text[done:]]) if done else text


def without_data_urls(text: str) -> str:
    """Return `text` with long base64 data URLs replaced by their type and size."""
    return short_data_urls(
        text, lambda mime, length, _: f"data:{mime};base64,(… {length:,} characters)"
    )


def clip(text: str, limit: int, hint: str | LeftOutHint = "", *, head_share: float = 2 / 3) -> str:
    """Return `text` cut to `limit` characters: head and tail, with the exact count left out.

    Parameters
    ----------
    text : str
    limit : int
        Maximum length of the result. Below `MIN_CLIP` only a head and an ellipsis fit.
    hint : str or callable, optional
        How to get what was left out; a callable is given the offset of its first character.
    head_share : float, optional
        Fraction of the kept text that is head; the rest is tail.

    Returns
    -------
    str
        `text` itself when it fits. Otherwise head and tail, cut at line ends where there is one
        near, around ``… 1,234 characters left out; <hint> …``.
    """
    if len(text) <= limit:
        return text
    if limit < MIN_CLIP:
        return text[: max(0, limit - 1)] + "…"[: max(0, limit)]
    words = _cut_words(len(text), len(text), hint)
    if limit - len(words) - 2 < limit // 3:
        hint, words = "", _cut_words(len(text), len(text), "")
    room = limit - len(words) - 2
    kept = int(room * head_share)
    head = _line_end_before(text, kept)
    tail = _line_start_after(text, len(text) - (room - kept))
    words = _cut_words(tail - head, head, hint)
    newline = "" if text[head - 1 : head] == "\n" else "\n"
    return f"{text[:head]}{newline}{words}\n{text[tail:]}"


def _cut_words(count: int, offset: int, hint: str | LeftOutHint) -> str:
    """Return the words about a cut of `count` characters that starts at `offset`."""
    said = hint if isinstance(hint, str) else hint(offset)
    return f"… {count:,} characters left out{'; ' + said if said else ''} …"


def _line_end_before(text: str, at: int) -> int:
    """Return the offset just after the last newline before `at`, or `at` when none is near."""
    found = text.rfind("\n", at - at // 3, at)
    return found + 1 if found >= 0 else at


def _line_start_after(text: str, at: int) -> int:
    """Return the offset just after the first newline from `at` on, or `at` when none is near."""
    found = text.find("\n", at - 1, at + (len(text) - at) // 3)
    return found + 1 if found >= 0 else at


@dataclass(frozen=True, slots=True)
class TextPage:
    """A piece of a long text.

    Parameters
    ----------
    text : str
    offset, end : int
        The piece is ``whole[offset:end]``.
    total : int
        Length of the whole text.
    """

    text: str
    offset: int
    end: int
    total: int

    @property
    def next_offset(self) -> int | None:
        """Offset of the next page, or None after the last."""
        return self.end if self.end < self.total else None

    def words(self, onwards: LeftOutHint | None = None) -> str:
        """Return the position of the page, in words.

        Parameters
        ----------
        onwards : callable, optional
            Returns the call that shows the page at an offset.
        """
        where = f"characters {self.offset:,} to {self.end:,} of {self.total:,}"
        more = self.next_offset
        if more is None:
            return f"{where}; this is the end"
        return f"{where}; next: {onwards(more) if onwards else f'offset={more}'}"


def page(text: str, offset: int, limit: int) -> TextPage:
    """Return at most `limit` characters from `offset` on, up to a line end if one is near.

    A negative offset counts from the end; an offset outside the text gives an empty page.
    """
    total = len(text)
    start = min(max(offset + total if offset < 0 else offset, 0), total)
    end = min(total, start + max(1, limit))
    if end < total:
        newline = text.rfind("\n", start + (end - start) * 2 // 3, end)
        end = newline + 1 if newline >= 0 else end
    return TextPage(text[start:end], start, end, total)


def size_words(count: int) -> str:
    """Return a number of bytes in words, such as ``23 kB``."""
    if count < 1000:
        return f"{count} bytes"
    if count < 1_000_000:
        return f"{count / 1000:.0f} kB" if count >= 10_000 else f"{count / 1000:.1f} kB"
    return f"{count / 1_000_000:.1f} MB"
