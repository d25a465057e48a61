r"""Turns what a model sent into what a tool takes, by the form of the tool's arguments.

Models and their clients send the same call in many ways: an array or a number as a JSON string,
one id instead of a list, null or an empty string for what they leave out, the name that another
tool uses for an argument. Whatever can mean one thing only is taken as that thing; pydantic then
checks the result as strictly as ever. Four rules:

* The text of a cell or a file is taken exactly as it was sent. ``'["a"]'``, ``"null"`` and ``""``
  are texts there. The one exception is a list of lines, which cannot be a text by itself. It is
  joined as notebook files join it if its lines carry their own ``\n``, and with ``\n`` if they do
  not; if only some do, it is refused.
* An empty list stays an empty list, and an empty string where a list is meant is one too. It never
  becomes an absent argument, which may mean "all".
* A number is no id. ``cell=3`` means a position, and the id that starts with "3" is another cell.
* What this module returns is all that a tool gets to see, so the card shows it and a decision
  covers it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .argument_forms import Form, Kind
from .other_names import meant
from .sent_json import NotJsonError, SentJson, TooLargeError

MAX_ITEMS = 20_000
"""Maximum number of items of a list whose argument has no limit of its own."""

MAX_LINES = 100_000
"""Maximum number of lines of a text that is sent as a list."""

MAX_PROBLEMS = 5
"""Number of problems after which the rest of a call is not read."""

_ABSENT = object()
_NOTHING = ("", "null")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in a call that cannot be what the tool takes.

    Parameters
    ----------
    path : str
        Where, for example ``edits[0].replace_all``.
    words : str
        A sentence about it.
    form : Form, optional
        What would be right at that place; None if there is no such place.
    """

    path: str
    words: str
    form: Form | None = None

    @property
    def argument(self) -> str:
        """Name of the argument."""
        return self.path.partition("[")[0].partition(".")[0]


class _WrongError(Exception):
    def __init__(self, path: str, words: str, form: Form) -> None:
        self.problem = Problem(path, words, form)


class SentArguments:
    """The arguments of one call.

    Parameters
    ----------
    form : Form
        Form of the tool's arguments, an object.
    sent : mapping of str to object

    Attributes
    ----------
    taken : dict of str to object
        What the tool takes, without the arguments that have problems.
    problems : list of Problem
    """

    def __init__(self, form: Form, sent: Mapping[str, Any]) -> None:
        self.problems: list[Problem] = []
        self.taken: dict[str, Any] = {}
        self._json = SentJson()
        named = self._named(form, sent, "", gather=True)
        for name, value in named.items():
            optional = name not in form.required
            try:
                found = self._value(form.fields[name], value, name, optional=optional)
            except _WrongError as wrong:
                self.problems.append(wrong.problem)
                continue
            if found is not _ABSENT:
                self.taken[name] = found

    # -- names ---------------------------------------------------------------------------------

    def _named(
        self, form: Form, sent: Mapping[str, Any], path: str, *, gather: bool = False
    ) -> dict[str, Any]:
        """Return arguments or fields under the tool's names for them."""
        named = {name: value for name, value in sent.items() if name in form.fields}
        others = [name for name in sent if name not in form.fields][: MAX_PROBLEMS * 4]
        loose: dict[str, Any] = {}
        renamed: dict[str, str] = {}
        for other in others:
            name = meant(other, form.fields)
            if name is None:
                loose[other] = sent[other]
            elif sent[other] is None:
                continue
            elif named.get(name) is None:
                named[name], renamed[name] = sent[other], other
            else:
                words = f"'{other}' means '{renamed.get(name, name)}', which is given as well."
                self._problem(path, other, words)
        if gather:
            self._gather(form, named, loose)
        for other in loose:
            self._problem(path, other, None, form)
        return named

    def _gather(self, form: Form, named: dict[str, Any], loose: dict[str, Any]) -> None:
        """Take the fields of one item of a list for a list of that item, if it is left out."""
        lists = [
            (name, each.item)
            for name, each in form.fields.items()
            if each.item is not None and each.item.kind is Kind.OBJECT
        ]
        if len(lists) != 1 or named.get(lists[0][0]) is not None:
            return
        (name, item), found = lists[0], {}
        for other in loose:
            if (inner := meant(other, item.fields)) is not None and inner not in found:
                found[inner] = other
        if found and item.required <= found.keys():
            named[name] = [{inner: loose.pop(other) for inner, other in found.items()}]

    def _problem(self, path: str, name: str, words: str | None, form: Form | None = None) -> None:
        if len(self.problems) >= MAX_PROBLEMS:
            return
        shown = name[:60]
        whole = f"{path}.{shown}" if path else shown
        if words is None and path and form is not None:
            words = f"There is no '{whole}': '{path}' takes {', '.join(form.fields)}."
        self.problems.append(Problem(whole, words or f"There is no argument '{shown}'."))

    # -- values --------------------------------------------------------------------------------

    def _value(self, form: Form, value: Any, path: str, *, optional: bool) -> Any:  # noqa: ANN401
        """Return what the tool takes, or `_ABSENT`.

        Raises
        ------
        _WrongError
        """
        if value is None:
            return None if form.nullable else _ABSENT
        if form.kind is Kind.LIST:
            return self._list(form, value, path, optional=optional)
        if form.kind is Kind.OBJECT:
            return self._object(form, value, path, optional=optional)
        if form.choices:
            return _choice(form, value, optional=optional)
        if form.kind is Kind.LINES:
            return _lines(value, path, form) if isinstance(value, list) else value
        if form.kind in (Kind.TEXT, Kind.ANY):
            return value
        if optional and isinstance(value, str) and value.strip() in _NOTHING:
            return _ABSENT
        return self._one(form, value, path) if form.kind.names else value

    def _one(self, form: Form, value: Any, path: str) -> Any:  # noqa: ANN401
        """Return a name; a list of one is that one."""
        if form.kind is Kind.ID and isinstance(value, str) and value.lstrip().startswith("["):
            value = self._read(form, value, path)
        if not isinstance(value, list):
            return value
        if len(value) != 1:
            words = f"'{path}' takes one value, but {len(value)} were given."
            raise _WrongError(path, words, form)
        return value[0]

    def _list(self, form: Form, value: Any, path: str, *, optional: bool) -> Any:  # noqa: ANN401
        item = form.item or Form(Kind.ANY)
        if isinstance(value, str):
            if form.verbatim and item.kind in (Kind.TEXT, Kind.LINES):
                return value
            value = self._listed(form, item, value, path)
            if value is None:
                return self._value(form, None, path, optional=optional)
        if not isinstance(value, list):
            value = [value]
        most = form.words.get("maxItems", MAX_ITEMS)
        if len(value) > most:
            words = f"'{path}' has {len(value):,} items; at most {most} are taken at once."
            raise _WrongError(path, words, form)
        found = []
        for number, each in enumerate(value):
            taken = self._value(item, each, f"{path}[{number}]", optional=False)
            # Without it the others would stand at other places; pydantic refuses a null.
            found.append(None if taken is _ABSENT else taken)
        return found

    def _listed(self, form: Form, item: Form, text: str, path: str) -> Any:  # noqa: ANN401
        """Return the list that a string stands for; None if it stands for null."""
        short = text.strip()
        if not short:
            return []
        if short == "null" and item.kind is not Kind.TEXT:
            return None
        if short[0] == "[" or (short[0] == "{" and item.kind is Kind.OBJECT):
            if item.kind not in (Kind.TEXT, Kind.LINES, Kind.NAME):
                return self._read(form, short, path)
            try:
                found = self._json.read(short)
            except (NotJsonError, TooLargeError):
                return [text]
            return found if isinstance(found, list) else [text]
        if item.kind is Kind.OBJECT:
            raise _WrongError(path, f"'{path}' takes a list of objects, not a text.", form)
        if item.kind in (Kind.TEXT, Kind.LINES, Kind.NAME, Kind.ANY, Kind.LIST):
            return [text]
        parts = short.split(",", MAX_ITEMS + 1)
        return [part.strip().strip("\"'") for part in parts if part.strip()]

    def _object(self, form: Form, value: Any, path: str, *, optional: bool) -> Any:  # noqa: ANN401
        if isinstance(value, str):
            if optional and value.strip() in _NOTHING:
                return _ABSENT
            value = self._read(form, value, path) if value.lstrip()[:1] == "{" else value
        if not isinstance(value, Mapping):
            raise _WrongError(path, f"'{path}' takes an object.", form)
        before = len(self.problems)
        named = self._named(form, value, path)
        if len(self.problems) > before:
            # The first of them is enough: the call is refused.
            raise _WrongError(path, self.problems.pop().words, form)
        found = {}
        for name, each in named.items():
            inner = form.fields[name]
            taken = self._value(inner, each, f"{path}.{name}", optional=name not in form.required)
            if taken is not _ABSENT:
                found[name] = taken
        return found

    def _read(self, form: Form, text: str, path: str) -> Any:  # noqa: ANN401
        try:
            return self._json.read(text)
        except TooLargeError:
            words = f"'{path}' is too large for a JSON string; send the JSON itself."
        except NotJsonError:
            words = f"'{path}' is a string that starts like JSON but is not valid JSON."
        raise _WrongError(path, words, form)


def _choice(form: Form, value: Any, *, optional: bool) -> Any:  # noqa: ANN401
    """Return the choice that is meant, in the tool's spelling."""
    if not isinstance(value, str) or value in form.choices or len(value) > 100:
        return value
    plain = value.strip().lower()
    if optional and plain in _NOTHING:
        return _ABSENT
    same = [each for each in form.choices if str(each).lower() == plain]
    return same[0] if len(same) == 1 else value


def _lines(lines: list[Any], path: str, form: Form) -> str:
    """Return the text of a list of lines, as notebook files have it."""
    if len(lines) > MAX_LINES:
        words = f"'{path}' is a list of more than {MAX_LINES:,} lines. Send one string."
        raise _WrongError(path, words, form)
    if not lines or not all(isinstance(line, str) for line in lines):
        raise _WrongError(path, f"'{path}' takes a string.", form)
    ended = {line.endswith("\n") for line in lines[:-1]}
    if len(ended) > 1:
        words = (
            f"'{path}' is a list in which some lines end with a line break and some do not. Send "
            "one string."
        )
        raise _WrongError(path, words, form)
    return ("" if True in ended else "\n").join(lines)
