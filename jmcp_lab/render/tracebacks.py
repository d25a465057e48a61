"""Tracebacks for a reader who fixes the user's code: the user's frames, with the rest folded.

IPython shows source lines of every frame, library frames included, and every chained exception in
full. Here the user's frames come first and in full, runs of library frames become one line, and
the exception itself stands once, at the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from jmcp_lab.text.sanitize import clean

from .text import as_text

MAX_USER_FRAMES = 8
CONTEXT_LINES = 2
"""Number of source lines shown on either side of the line that failed."""

_CHAIN = re.compile(
    r"\s*(?:The above exception was the direct cause of the following exception"
    r"|During handling of the above exception, another exception occurred):\s*"
)
_OPENING = re.compile(
    r"\s*-{20,}\s*|\s*(?:\S{1,200}(?<!:) +)?Traceback \(most recent call last\):?\s*"
)
_CELL = re.compile(r"\s*(?:(?:Cell |Input )In ?\[\d+\]|<ipython-input-[^>]+>|File <ipython-input)")
_FILE = re.compile(
    r"""\s*(?:
        File\ "(?P<quoted>[^"\n]+)",\ line\ (?P<quoted_line>\d+)(?:,\ in\ (?P<quoted_name>.*))?
        |File\ (?P<path>[^\n:]+(?:(?<=\ [A-Za-z]):[^\n:]+)?):(?P<line>\d+)(?:,?\ in\ (?P<name>.*))?
        |(?P<old>[~/][^\n:]*\.py[x]?)\ in\ (?P<old_name>[^\n]*)
    )""",
    re.VERBOSE,
)
_LIBRARY = re.compile(
    r"^.*?[/\\](?:site-packages|dist-packages)[/\\]"
    r"|^.*?[/\\]lib(?:64)?[/\\]python\d[\d.]*[/\\]"
    r"|^<frozen |^(?=[^/\\~]+[/\\].*\.(?:pyx|pxi|pxd)$)",
    re.IGNORECASE,
)
_LIBRARY_FOLDER = re.compile(
    r"[/\\](?:lib(?:64)?[/\\]python\d[\d.]{0,8}(?:[/\\](?:site|dist)-packages)?"
    r"|(?:site|dist)-packages)[/\\](?=[\w.])",
    re.IGNORECASE,
)
_PLAIN_OPENING = re.compile(
    # The margin is what Python writes before each line of an exception of a group.
    r"(?P<margin> {1,60}[|+] |)(?:Exception Group )?Traceback \(most recent call last\):\s*"
)
_RUNS_THE_CELL = re.compile(r"IPython/core/interactiveshell\.py:\d+")
_SKIPPED = re.compile(r"\s*\[?\.\.\. .*\bskipping\b.*")
_ARROW = re.compile(r"-+> ?\d*")
_SOURCE = re.compile(r"-+>|\s|\d+ |\d+$")


@dataclass(slots=True)
class _Frame:
    """One frame: its heading, its source lines, and its place if it is in a library."""

    heading: str
    library: str | None = None
    name: str = ""
    body: list[str] = field(default_factory=list)
    times: int = 1

    @property
    def package(self) -> str:
        """Name of the package, the first part of the place in the library."""
        return re.split(r"[/\\:]", self.library or "", maxsplit=1)[0].removesuffix(".py")

    def lines(self) -> Iterator[str]:
        """Yield the heading and the source lines around the one that failed."""
        yield self.heading.strip()
        body = [line.rstrip() for line in self.body if line.strip()]
        arrow = next((n for n, line in enumerate(body) if _ARROW.match(line)), None)
        if arrow is not None:
            body = body[max(0, arrow - CONTEXT_LINES) : arrow + CONTEXT_LINES + 1]
        yield from body
        if self.times > 1:
            yield f"… the same frame {self.times - 1:,} more times"


@dataclass(slots=True)
class _Section:
    """The frames and the message of one exception of a chain."""

    frames: list[_Frame] = field(default_factory=list)
    message: list[str] = field(default_factory=list)
    link: str = ""

    @property
    def said(self) -> str:
        """The message."""
        return "\n".join(self.message).strip()


def traceback_text(output: Mapping[str, Any]) -> str:
    """Return the text of an error output.

    Parameters
    ----------
    output : mapping
        An output of type ``error``: `ename`, `evalue` and `traceback`, a list of texts.

    Returns
    -------
    str
        Frames of the user with source lines, runs of library frames as one line, paths inside
        libraries relative to the library, and ``ename: evalue`` once, at the end. A traceback
        that is not in Python's form is only cleaned.
    """
    given = output.get("traceback")
    entries = given if isinstance(given, list | tuple) else [given]
    text = clean("\n".join(as_text(entry) for entry in entries))
    said = error_words(output)
    text, message = _message_apart(text, said)
    sections = _sections(text.split("\n"))
    if not any(section.frames for section in sections):
        return _without_frames(text, message, said)
    last = sections[-1]
    if message or not last.message:
        last.message.append(message or said)
    shown: list[str] = []
    for section, following in pairwise(sections):
        if any(frame.library is None for frame in section.frames):
            shown += [*_frame_lines(section.frames), section.said, following.link]
    shown += _frame_lines(last.frames)
    for section in sections[:-1]:
        if section.frames and all(frame.library is not None for frame in section.frames):
            same = section.said == last.said
            cause = "the same error" if same else section.said
            shown.append(f"… raised while handling {cause} ({_folded(section.frames)})")
    shown.append(last.said)
    return without_library_paths("\n".join(line for line in shown if line))


def error_words(output: Mapping[str, Any]) -> str:
    """Return ``ename: evalue`` of an error output."""
    name, value = (clean(as_text(output.get(key))).strip() for key in ("ename", "evalue"))
    return f"{name}: {value}" if name and value else name or value or "error"


def without_library_paths(text: str) -> str:
    """Return `text` with paths into installed libraries relative to the library's folder."""
    shown: list[str] = []
    at = 0
    for folder in _LIBRARY_FOLDER.finditer(text):
        # The path starts after the last separator before it; paths are shorter than this.
        since = max(at, folder.start() - 400)
        start = max(text.rfind(mark, since, folder.start()) for mark in " \n\t\"'(=,") + 1
        shown.append(text[at : max(start, since)])
        at = folder.end()
    return "".join([*shown, text[at:]])


def without_library_frames(text: str) -> str:
    """Return a stream's text with the library frames of Python's own tracebacks folded.

    IPython prints an exception group to stderr as plain Python does, with a first frame of its
    own, which is dropped here. Loggers and threads print any exception in this form.

    Parameters
    ----------
    text : str
        Cleaned text of a stream.

    Returns
    -------
    str
        Each run of library frames is one line, in the words of `traceback_text`. Every other line
        is as it was.
    """
    if "Traceback (most recent call last):" not in text:
        return text
    shown: list[str] = []
    run: list[_Frame] = []
    margin, inside = "", False
    for line in text.split("\n"):
        opening = _PLAIN_OPENING.fullmatch(line[:200])
        # The message after the frames is not indented.
        inside = not opening and inside and line.startswith(f"{margin}  ")
        rest = line[len(margin) : len(margin) + 1000]
        frame = _frame(rest) if inside and rest.startswith('  File "') else None
        if inside and (frame.library is not None if frame else run):
            # A frame of a library, or a line of its source.
            run += [frame] if frame else []
            continue
        shown += [f"{margin}  {said}" for said in _run_lines(_without_runner(run))]
        run.clear()
        shown.append(line)
        if opening:
            margin, inside = opening["margin"].replace("+", "|"), True
    shown += [f"{margin}  {said}" for said in _run_lines(_without_runner(run))]
    return "\n".join(shown)


def _without_runner(run: list[_Frame]) -> list[_Frame]:
    """Return a run of library frames without the frame in which IPython runs the cell."""
    runs_cell = run and run[0].name == "run_code" and _RUNS_THE_CELL.fullmatch(run[0].library or "")
    return run[1:] if runs_cell else run


def _message_apart(text: str, said: str) -> tuple[str, str]:
    """Return a traceback up to the message of its last exception, and that message.

    The user's code wrote the message and may have put another traceback into it, so the search
    goes by the message that the output states. Empty if the traceback does not contain it.
    """
    start = 0 if text == said else ("\n" + text + "\n").rfind(f"\n{said}\n")
    if start < 0:
        return text, ""
    notes = text[start + len(said) :].split("\n")
    if any(_CHAIN.fullmatch(line[:1000]) for line in notes):
        return text, ""  # That was the same message of an earlier exception.
    return text[:start], text[start:]


def _without_frames(text: str, message: str, said: str) -> str:
    """Return a traceback without Python frames, with the error stated once."""
    lines = [line.rstrip() for line in text.split("\n") if not _OPENING.fullmatch(line[:400])]
    kept = "\n".join([*lines, message]).strip("\n")
    return without_library_paths(kept if said in kept else f"{kept}\n{said}".lstrip("\n"))


def _sections(lines: list[str]) -> list[_Section]:
    """Split the lines of a traceback into exceptions, frames and messages."""
    sections = [_Section()]
    in_message = False
    for line in lines:
        now = sections[-1]
        short = line[:1000]
        if _CHAIN.fullmatch(short):
            sections.append(_Section(link=line.strip()))
            in_message = False
        elif _OPENING.fullmatch(short) and not (now.frames and in_message):
            in_message = False
        elif in_message:
            now.message.append(line)
        elif frame := _frame(short):
            previous = now.frames[-1] if now.frames else None
            if previous and previous.heading == frame.heading:
                previous.times += 1
                previous.body.clear()
            else:
                now.frames.append(frame)
        elif now.frames and (not line.strip() or _SOURCE.match(short)):
            now.frames[-1].body.append(short)
        elif line.strip():
            now.message.append(line)
            in_message = True
    return sections


def _frame(line: str) -> _Frame | None:
    """Return the frame whose heading a line is, or None."""
    if _CELL.match(line) or _SKIPPED.fullmatch(line):
        return _Frame(line.rstrip())
    found = _FILE.fullmatch(line.rstrip())
    if found is None:
        return None
    path = found["quoted"] or found["path"] or found["old"]
    name = found["quoted_name"] or found["name"] or found["old_name"] or ""
    number = found["quoted_line"] or found["line"]
    inside = _LIBRARY.match(path)
    if inside is None:
        return _Frame(line.rstrip(), name=name)
    place = path[inside.end() :].replace("\\", "/").rstrip(">")
    return _Frame(line, library=f"{place}:{number}" if number else place, name=name.split("(")[0])


def _frame_lines(frames: list[_Frame]) -> list[str]:
    """Return the lines of frames: the user's in full, runs of library frames in one line."""
    users = [frame for frame in frames if frame.library is None]
    left_out: set[int] = set()
    if len(users) > MAX_USER_FRAMES:
        left_out = {id(frame) for frame in users[3 : 3 - MAX_USER_FRAMES]}
    shown: list[str] = []
    run: list[_Frame] = []
    said_left_out = False
    for frame in frames:
        if frame.library is not None:
            run.append(frame)
            continue
        if id(frame) in left_out:
            if not said_left_out:
                shown.append(f"… {len(left_out):,} more of your own frames left out")
            said_left_out = True
            run.clear()
            continue
        shown += _run_lines(run)
        run.clear()
        shown += frame.lines()
    return shown + _run_lines(run)


def _run_lines(run: list[_Frame]) -> list[str]:
    """Return the one line that replaces a run of library frames; no line for no frames."""
    return [f"… {_folded(run)}"] if run else []


def _folded(frames: list[_Frame]) -> str:
    """Return how many library frames were folded, where, and which was the last, in words."""
    packages = list(dict.fromkeys(frame.package for frame in frames))
    where = ", ".join(packages[:3]) + (" and others" if len(packages) > 3 else "")
    last = frames[-1]
    place = f"{last.library}{' in ' + last.name if last.name else ''}"
    count = sum(frame.times for frame in frames)
    if count == 1:
        return f"1 frame in {where} folded: {place}"
    return f"{count:,} frames in {where} folded, last: {place}"
