"""HTML and SVG as text: what a person would read in them.

It has its own tokenizer, which takes any input in linear time. `html.parser` does not promise that
for damaged markup, and XML parsers expand entities.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from jmcp_lab.text.sanitize import clean

from .html_media import media_words, with_short_data_urls
from .text import clip

MAX_MARKUP = 1_000_000
"""Maximum number of characters of markup that are read."""

_TAG = re.compile(r"""</?([a-zA-Z][\w:-]*+)((?:[^>"']++|"[^"]*"|'[^']*')*+)>""")
_TAG_NAME = re.compile(r"</?([a-zA-Z][\w:-]*+)")
_ATTRIBUTE = re.compile(r"""(?<![\w:-])([\w:-]++)\s*+=\s*+("[^"]*"|'[^']*'|[^\s"'>]+)""")
_HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?![.\d])|font-size\s*:\s*0(?![.\d])",
    re.IGNORECASE,
)
_SPACES = re.compile(r"\s+")
_BLANK_LINES = re.compile(r"\n{3,}")
_SOURCE = re.compile(r"""(?<![\w:-])src\s*+=\s*+("[^"]*"|'[^']*'|[^\s"'>]+)""", re.IGNORECASE)
_RAW = {"script", "style"}
_NAMED = {"svg", "audio", "video", "iframe"}
"""Elements that are described instead of read."""
_SKIPPED = {"script", "style", "head", "template", "noscript", "object", *_NAMED}
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "wbr"}
_BLOCKS = {
    *("address", "article", "aside", "blockquote", "dd", "details", "div", "dl", "dt", "fieldset"),
    *("figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr"),
    *("li", "main", "nav", "ol", "p", "pre", "section", "summary", "table", "tbody", "tfoot"),
    *("thead", "tr", "ul", "caption"),
}


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of markup: ``text``, ``open``, ``close`` or ``comment``; `value` is text or name."""

    kind: str
    value: str
    attributes: str = ""


def tokens(markup: str) -> Iterator[Token]:
    """Yield the tokens of HTML or SVG; never fails, whatever the input."""
    markup = markup[:MAX_MARKUP]
    at, strict_tries = 0, 100
    while at < len(markup):
        start = markup.find("<", at)
        if start < 0:
            start = len(markup)
        if start > at:
            yield Token("text", _unescaped(markup[at:start]))
        if start == len(markup):
            return
        if markup.startswith(("<!", "<?"), start):
            comment = markup.startswith("<!--", start)
            end = markup.find("-->" if comment else ">", start)
            if end < 0:
                return
            if comment:
                yield Token("comment", _unescaped(markup[start + 4 : end]))
            at = end + (3 if comment else 1)
            continue
        named = _TAG_NAME.match(markup, start)
        if named is None:
            yield Token("text", "<")
            at = start + 1
            continue
        tag = _TAG.match(markup, start) if strict_tries else None
        if tag is None:
            # The quotes do not pair, so the tag ends at the next ">". After some failures, stop
            # looking for pairs, because each try may read to the end of the markup.
            strict_tries = max(0, strict_tries - 1)
            end = markup.find(">", start)
            if end < 0:
                yield Token("text", _unescaped(markup[start:]))
                return
            attributes, at = markup[named.end() : end], end + 1
        else:
            attributes, at = tag[2], tag.end()
        name = named[1].lower()
        if markup.startswith("</", start):
            yield Token("close", name)
            continue
        yield Token("open", name, attributes)
        if name in _RAW:
            close = re.compile(rf"</{name}", re.IGNORECASE).search(markup, at)
            end = close.start() if close else len(markup)
            yield Token("raw", markup[at:end])
            at = end


_LONG_NUMBER = re.compile(r"&#[xX]?[0-9a-fA-F]{20,}")
"""Character reference with more digits than any character has: Python rejects thousands."""


def _unescaped(text: str) -> str:
    return html.unescape(_LONG_NUMBER.sub("\ufffd", text))


def attributes(token: Token) -> dict[str, str]:
    """Return the attributes of an ``open`` token, names in lower case."""
    found = _ATTRIBUTE.finditer(token.attributes[:20_000])
    return {match[1].lower(): _unescaped(match[2].strip("\"'")) for match in found}


@dataclass
class _TextWriter:
    """Collects the visible text of HTML, line by line."""

    lines: list[str] = field(default_factory=list)
    line: list[str] = field(default_factory=list)
    cells: int = 0
    pre: int = 0
    after_table: bool = False

    def text(self, text: str) -> None:
        if self.pre:
            first, *rest = text.split("\n")
            self.line.append(first)
            for line in rest:
                self.end_line()
                self.line.append(line)
        elif text:
            self.line.append(_SPACES.sub(" ", text))

    def end_line(self) -> None:
        joined = "".join(self.line)
        if self.pre:
            self.lines.append(joined.rstrip())
        elif joined.strip():
            self.lines.append(_SPACES.sub(" ", joined).strip())
        self.line.clear()

    def open(self, token: Token) -> None:
        name = token.value
        if name in _BLOCKS or name == "br":
            self.end_line()
        if name == "table" and self.after_table:
            # Keep the rows of two tables apart.
            self.lines.append("")
        if name == "tr":
            self.cells = 0
        elif name in ("td", "th"):
            if self.cells:
                self.line.append(" | ")
            self.cells += 1
        elif name == "li":
            self.line.append("- ")
        elif name == "pre":
            self.pre += 1
        elif name == "img":
            alt = attributes(token).get("alt", "").strip()
            self.line.append(media_words("image", _source(token), title=alt))

    def named(self, element: Sequence[Token]) -> None:
        """Describe an element whose content is not read as text."""
        self.line.append(_element_words(element))

    def close(self, name: str) -> None:
        if name in _BLOCKS:
            self.end_line()
        self.after_table = name == "table" or (self.after_table and name in _BLOCKS)
        if name == "pre":
            self.pre = max(0, self.pre - 1)


def html_to_text(markup: str) -> str:
    """Return the text of HTML that a person would see: table rows as ``a | b``, lists as ``- a``.

    Scripts, styles and elements hidden by an attribute or inline style are left out.
    """
    markup = with_short_data_urls(markup)
    writer = _TextWriter()
    for piece in _pieces(markup):
        if not isinstance(piece, Token):
            writer.named(piece)
        elif piece.kind == "open":
            writer.open(piece)
        elif piece.kind == "close":
            writer.close(piece.value)
        elif piece.kind == "text":
            writer.text(piece.value)
    writer.end_line()
    if len(markup) > MAX_MARKUP:
        writer.lines.append(
            f"(… {len(markup) - MAX_MARKUP:,} more characters of HTML were not read)"
        )
    return _BLANK_LINES.sub("\n\n", clean("\n".join(writer.lines))).strip("\n")


def _pieces(markup: str) -> Iterator[Token | list[Token]]:
    """Yield the visible tokens, and all tokens of an element that is described as one list."""
    element: list[Token] = []
    name, depth = "", 0
    for token in tokens(markup):
        if not name:
            is_open = token.kind == "open" and token.value not in _VOID
            if not (is_open and (token.value in _SKIPPED or _is_hidden(token))):
                yield token
                continue
            name = token.value
        if name in _NAMED:
            element.append(token)
        if token.value == name and token.kind == "open":
            # Unlike elements of HTML, an SVG may close itself in its first tag.
            depth += not (name == "svg" and token.attributes.rstrip().endswith("/"))
        elif token.value == name and token.kind == "close":
            depth -= 1
        if not depth:
            if element:
                yield element
            element, name = [], ""
    if element:
        yield element


def _source(token: Token) -> str:
    """Return the source of an element, which may be longer than other attributes."""
    found = _SOURCE.search(token.attributes)
    return _unescaped(found[1].strip("\"'")) if found else ""


def _element_words(element: Sequence[Token]) -> str:
    """Return the description of an element, or nothing for one that a person would not see."""
    first = element[0]
    if _is_hidden(first):
        return ""
    if first.value == "svg":
        return f"({'; '.join(_svg_words(element).splitlines())})"
    inner = (token for token in element if token.kind == "open" and token.value == "source")
    holder = first if _source(first) else next((t for t in inner if _source(t)), first)
    said_type = attributes(holder).get("type", "").partition(";")[0]
    return media_words(first.value, _source(holder), said_type=said_type)


def _is_hidden(token: Token) -> bool:
    """Whether a person would not see this element."""
    if not token.attributes.strip():
        return False
    if re.search(r"(?:^|\s)hidden(?:\s|=|/|$)", token.attributes[:2000]):
        return True
    return bool(_HIDING.search(attributes(token).get("style", "")[:2000]))


def svg_summary(markup: str) -> str:
    """Return size, titles, texts and the number of shapes of an SVG image."""
    return _svg_words(tokens(markup))


def _svg_words(found: Iterable[Token]) -> str:
    """Return the summary of the SVG image that has these tokens."""
    size = ""
    titles: list[str] = []
    texts: list[str] = []
    shapes: Counter[str] = Counter()
    inside = ""
    for token in found:
        if token.kind == "open":
            if token.value == "svg" and not size:
                size = _svg_size(attributes(token))
            if token.value in ("title", "desc", "text", "tspan", "textpath"):
                inside = token.value
            elif token.value in ("path", "rect", "circle", "ellipse", "line", "polyline", "image"):
                shapes[token.value] += 1
        elif token.kind == "close" and token.value == inside:
            inside = ""
        elif token.kind == "text" and inside and token.value.strip():
            (titles if inside == "title" else texts).append(_SPACES.sub(" ", token.value).strip())
        elif token.kind == "comment" and 0 < len(token.value.strip()) <= 200:
            # matplotlib draws text as paths and keeps the words in a comment.
            if not token.value.lstrip().startswith(("Generated", "Created", "Title", "Pages")):
                texts.append(_SPACES.sub(" ", token.value).strip())
    lines = [f"SVG image{' ' + size if size else ''}"]
    lines += _listed("titles", titles) + _listed("texts", texts)
    if shapes:
        lines.append("shapes: " + ", ".join(f"{n:,} {name}" for name, n in shapes.most_common()))
    return clean("\n".join(lines))


def _listed(name: str, found: list[str]) -> list[str]:
    """Return one line that lists the first of `found`, or none."""
    if not found:
        return []
    shown = ", ".join(clip(text, 200) for text in found[:60])
    return [f"{name}: {shown}" + (f", and {len(found) - 60:,} more" if len(found) > 60 else "")]


def _svg_size(found: dict[str, str]) -> str:
    """Return ``640x480`` from the attributes of the svg element, or nothing."""
    number = r"\s*(\d{1,6})(?:\.\d{1,12})?(?:px|pt)?\s*"
    width, height = (re.fullmatch(number, found.get(side, "")) for side in ("width", "height"))
    if width and height:
        return f"{width[1]}x{height[1]}"
    box = re.fullmatch(
        r"\S{1,20}[\s,]+\S{1,20}[\s,]+(\d{1,6})\S{0,20}[\s,]+(\d{1,6})\S{0,20}",
        found.get("viewbox", "")[:120].strip(),
    )
    return f"{box[1]}x{box[2]}" if box else ""
