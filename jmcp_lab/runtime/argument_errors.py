"""Says what is wrong with the arguments of a call, and what would be right."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .argument_forms import Form, Kind
from .sent_arguments import MAX_PROBLEMS, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pydantic import ValidationError

_CELLS = frozenset({"cell", "cells", "after", "before", "from"})


def explained(
    tool: str, form: Form, problems: Sequence[Problem], one_of: Sequence[str] = ()
) -> str:
    """Return sentences about the problems of a call, and a right example.

    Parameters
    ----------
    tool : str
        Name of the tool.
    form : Form
        Form of its arguments.
    problems : sequence of Problem
    one_of : sequence of str
        Optional arguments of which a call needs one.
    """
    shown: dict[str, Problem] = {}
    for problem in problems:
        shown.setdefault(problem.argument, problem)
    words = " ".join(problem.words for problem in list(shown.values())[:MAX_PROBLEMS])
    wrong = [name for name in form.fields if name in shown]
    example = json.dumps(_call(form, wrong, one_of), ensure_ascii=False)
    return f"{words} {tool} takes: {', '.join(form.fields)}. Right, for example: {example}"


def _call(form: Form, named: Iterable[str], one_of: Sequence[str]) -> dict[str, Any]:
    """Return the arguments of a right call that has the named ones."""
    chosen = {*form.required, *named}
    if one_of and not chosen & set(one_of):
        chosen.add(one_of[0])
    return {name: example(each) for name, each in form.fields.items() if name in chosen}


def example(form: Form) -> Any:  # noqa: ANN401 - any JSON
    """Return a right value for a form."""
    words = form.words
    if words.get("examples"):
        return words["examples"][0]
    if form.choices:
        return form.choices[0]
    match form.kind:
        case Kind.LIST:
            return [example(form.item or Form(Kind.TEXT))]
        case Kind.OBJECT:
            return {n: example(each) for n, each in form.fields.items() if n in form.required}
        case Kind.BOOLEAN:
            return True
        case Kind.INTEGER | Kind.NUMBER:
            return words.get("default") or words.get("minimum") or 1
    return words.get("default") or "…"


def found_by_pydantic(form: Form, error: ValidationError) -> list[Problem]:
    """Return the problems that pydantic found, with the names that the model knows."""
    return [
        _problem(form, each["loc"], each["type"], each["msg"])
        for each in error.errors(include_url=False, include_context=False, include_input=False)
    ]


def _problem(form: Form, place: tuple[int | str, ...], kind: str, message: str) -> Problem:
    path, at = "", form
    last = ""
    for step in place:
        if isinstance(step, int) and at.item is not None:
            path, at = f"{path}[{step}]", at.item
        elif isinstance(step, str) and (step in at.fields or kind == "extra_forbidden"):
            # Other steps are names of pydantic's branches, which mean nothing to a model.
            last, whole = step[:60], path
            path = f"{path}.{last}" if path else last
            at = at.fields.get(step, Form(Kind.ANY))
    if kind == "missing":
        inner = "." in path or "[" in path
        words = f"'{whole}' has no '{last}'." if inner else f"'{path}' is missing."
    elif kind == "extra_forbidden":
        words = f"There is no '{path}'."
    elif kind == "string_type" and at.kind is Kind.ID and path.partition("[")[0] in _CELLS:
        words = f"'{path}': give the id of a cell, a string that list_cells shows."
    elif path:
        words = f"'{path}': {message}."
    else:
        words = f"{message}."
    return Problem(path, words, at)
