"""Three-way line merge of what the agent read, what it wrote, and the current text.

The result is not a text but the smallest splices of the current text. So nothing that a person
wrote is deleted and inserted again, and no cursor jumps. Two versions are never compared character
by character, because that interleaves what two people typed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from .diff import common_ends, matching_runs

MAX_PAIRED = 1000
"""Maximum number of lines of a text that are changed one by one. A formatter may change every line
of a cell. With separate changes, text that somebody types meanwhile stays in its line; with one
change for all lines, it lands beside them. But each change of the shared text takes the event loop
some time.
"""


class MergeConflict(Exception):
    """The person changed a line that the agent changes too.

    Parameters
    ----------
    line : int
        The first such line of the current text, counted from 1.
    """

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line}")
        self.line = line


@dataclass(frozen=True, slots=True)
class Splice:
    """Replaces ``text[start:end]`` of the current text; offsets count characters."""

    start: int
    end: int
    text: str


def merge(base: str, mine: str, present: str) -> list[Splice]:
    """Rebase the change from `base` to `mine` onto `present`.

    Parameters
    ----------
    base : str
        What the agent last saw.
    mine : str
        What it wants instead.
    present : str
        The current text.

    Returns
    -------
    list of Splice
        In the order of the text, without overlap.

    Raises
    ------
    MergeConflict
        Both sides changed a line differently. Lines added by both at one place are not a conflict:
        both are kept, the agent's first.
    """
    if mine == base:
        return []
    if base == present:
        base_lines = present_lines = present.split("\n")
    else:
        base_lines, present_lines = base.split("\n"), present.split("\n")
    mine_lines = mine.split("\n")
    splices = []
    z = a = b = 0
    shared = _shared_runs(base_lines, mine_lines, present_lines)
    starts = _line_starts(present_lines)
    one_by_one = len(base_lines) - sum(run.size for run in shared) <= MAX_PAIRED
    for run in shared:
        splices += _gap(
            base_lines[z : run.base],
            mine_lines[a : run.mine],
            present_lines,
            b,
            run.present,
            starts,
            one_by_one=one_by_one,
        )
        z, a, b = run.base + run.size, run.mine + run.size, run.present + run.size
    return [trimmed for splice in splices if (trimmed := _trim(present, splice))]


class _Run(NamedTuple):
    """Lines that all three versions share: where they begin in each, and how many there are."""

    base: int
    mine: int
    present: int
    size: int


def _shared_runs(base: list[str], mine: list[str], present: list[str]) -> list[_Run]:
    """Return all runs of lines that the three versions share, and an empty one at the end."""
    found = []
    in_mine, in_present = matching_runs(base, mine), matching_runs(base, present)
    i = k = 0
    while i < len(in_mine) and k < len(in_present):
        (at, there, size), (other_at, other_there, other_size) = in_mine[i], in_present[k]
        end, other_end = at + size, other_at + other_size
        first, last = max(at, other_at), min(end, other_end)
        if first < last:
            run = _Run(first, there + first - at, other_there + first - other_at, last - first)
            found.append(run)
        # The run that ends first cannot overlap another run of the other list.
        i, k = (i + 1, k) if end < other_end else (i, k + 1)
    return [*found, _Run(len(base), len(mine), len(present), 0)]


def splice(text: str, splices: list[Splice]) -> str:
    """Return `text` with the splices applied."""
    parts = []
    at = 0
    for change in splices:
        parts += [text[at : change.start], change.text]
        at = change.end
    return "".join([*parts, text[at:]])


def _gap(
    base: list[str],
    mine: list[str],
    present: list[str],
    first: int,
    last: int,
    starts: list[int],
    *,
    one_by_one: bool,
) -> list[Splice]:
    """Resolve what lies between two runs of lines that all three versions share."""
    theirs = present[first:last]
    if mine in (base, theirs):
        return []
    size = len(base)
    if theirs == base:
        if one_by_one and len(mine) == size:
            return _line_by_line(base, mine, present, first, starts)
        return [_replace(first, last, mine, starts)]
    # Lines that were only added before or after unchanged ones do not conflict with a change of
    # these.
    if mine[:size] == base:
        where = first if size == 0 else last
        return [_replace(where, where, mine[size:], starts)]
    if mine[-size:] == base:
        return [_replace(first, first, mine[:-size], starts)]
    if theirs[:size] == base:
        return [_replace(first, first + size, mine, starts)]
    if theirs[-size:] == base:
        return [_replace(last - size, last, mine, starts)]
    if len(mine) == size == len(theirs):
        return _line_by_line(base, mine, present, first, starts)
    raise MergeConflict(first + 1)


def _line_by_line(
    base: list[str], mine: list[str], present: list[str], first: int, starts: list[int]
) -> list[Splice]:
    """Resolve adjacent lines that each side changed, if no line was changed by both."""
    found = []
    for index, (old, new) in enumerate(zip(base, mine, strict=True), first):
        if new in (old, present[index]):
            continue
        if present[index] != old:
            raise MergeConflict(index + 1)
        found.append(_replace(index, index + 1, [new], starts))
    return found


def _line_starts(lines: list[str]) -> list[int]:
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    return starts


def _replace(first: int, last: int, lines: list[str], starts: list[int]) -> Splice:
    """Return the splice that replaces the present lines from `first` to `last` with `lines`."""
    text = "\n".join(lines)
    if first < last and lines:
        return Splice(starts[first], starts[last] - 1, text)
    if lines:
        # Put the new line break at the end of the unchanged line before. If a person undoes the
        # line that follows, that must not join two of the agent's lines.
        if first > 0:
            return Splice(starts[first] - 1, starts[first] - 1, "\n" + text)
        return Splice(0, 0, text + "\n")
    if first > 0:
        return Splice(starts[first] - 1, starts[last] - 1, "")
    return Splice(0, min(starts[last], starts[-1] - 1), "")


def _trim(present: str, change: Splice) -> Splice | None:
    """Return the splice without text that it would delete and insert again."""
    old = present[change.start : change.end]
    new = change.text
    head, tail = common_ends(old, new)
    if head + tail == len(old) == len(new):
        return None
    return Splice(change.start + head, change.end - tail, new[head : len(new) - tail])
