"""Checks the rules for tools of other packages; a tool that breaks a rule is left out.

A client reads the list of tools at each turn and relies on the hints, and a server must be able to
handle whatever a client sends. Tests check that our own tools keep the same rules.
"""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..calls.call import ToolClass
from ..runtime.tool import Tool

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_LISTED_CHARACTERS = 2_000
"""Maximum number of characters of the name, title, description and schema of one tool."""

MAX_ALL_CHARACTERS = 16_000
"""Maximum number of characters of all tools of other packages; our own have the same limit."""

RESERVED = frozenset({"reason", "hold"})
"""Names of the arguments that jmcp_lab itself uses: the reason for the person, the hold time."""

_NAME = re.compile(r"[a-z][a-z0-9_]{2,59}")


class BrokenRuleError(Exception):
    """Raised when a tool of another package breaks a rule, which the message names."""


def checked(found: object, taken: dict[str, str]) -> Tool:
    """Return a tool of another package if it keeps the rules.

    Parameters
    ----------
    found : object
        Object that the package offers as a tool.
    taken : dict
        Owner of each name that is already in use.

    Raises
    ------
    BrokenRuleError
    """
    if not isinstance(found, Tool):
        raise BrokenRuleError(
            f"a {type(found).__name__} is not a tool; make one with @tool from jmcp_lab.api"
        )
    if not _NAME.fullmatch(found.name):
        raise BrokenRuleError(
            "its name must be 3 to 60 lowercase letters, digits and underscores, starting with a "
            "letter"
        )
    if (owner := taken.get(found.name)) is not None:
        raise BrokenRuleError(f"its name is taken by {owner}")
    if not found.title.strip() or not found.description.strip():
        raise BrokenRuleError("it needs a title, and a docstring that says what it does")
    _check_class(found)
    _check_function(found)
    for problem in _unbounded(found):
        raise BrokenRuleError(problem)
    if (size := listed_characters(found)) > MAX_LISTED_CHARACTERS:
        raise BrokenRuleError(
            f"it takes {size:,} characters of the list of tools, which clients read at every turn; "
            f"at most {MAX_LISTED_CHARACTERS:,} are allowed. Shorten its docstring or its "
            "arguments"
        )
    also = tuple(ToolClass(each) for each in found.also)
    return replace(found, tool_class=ToolClass(found.tool_class), also=also)


def listed_characters(tool: Tool) -> int:
    """Return the number of characters that a tool takes in the list of tools."""
    words = [tool.name, tool.title, tool.description, tool.input_schema]
    return len(json.dumps(words, separators=(",", ":")))


def _check_class(tool: Tool) -> None:
    for found in (tool.tool_class, *tool.also):
        if found not in list(ToolClass):
            classes = ", ".join(each.value for each in ToolClass)
            raise BrokenRuleError(f"its class is {str(found)[:40]!r}; it must be one of: {classes}")
    reads = tool.tool_class in (ToolClass.INFO, ToolClass.READ)
    if tool.read_only and (not reads or tool.destructive):
        raise BrokenRuleError(
            "read_only must hold for every call: only the classes info and read may have it, and "
            "never with destructive"
        )


def _check_function(tool: Tool) -> None:
    if not inspect.iscoroutinefunction(tool.function):
        raise BrokenRuleError("its function must be `async def`")
    first, *others = inspect.signature(tool.function).parameters.values() or (None,)
    if first is None:
        raise BrokenRuleError("its function must take a ToolContext first")
    for parameter in others:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise BrokenRuleError(f"it must name each argument, but takes *{parameter.name}")
        if parameter.name.rstrip("_") in RESERVED:
            raise BrokenRuleError(f"the argument name '{parameter.name}' is reserved by jmcp_lab")


def _unbounded(tool: Tool) -> Iterator[str]:
    """Yield a sentence for each argument without a size limit."""
    schema = tool.arguments.model_json_schema()
    definitions = schema.get("$defs", {})
    for name, form in schema.get("properties", {}).items():
        if name not in RESERVED and (problem := _problem(form, definitions, ())) is not None:
            yield f"the argument '{name}' has no limit: {problem}"


def _problem(form: Any, definitions: dict[str, Any], within: tuple[str, ...]) -> str | None:  # noqa: ANN401 - any JSON schema
    """Return why a schema has no size limit, or None if it has one."""
    if not isinstance(form, dict):
        return "it accepts anything"
    if "$ref" in form:
        name = str(form["$ref"]).rpartition("/")[2]
        if name in within:
            return "it can contain itself"
        return _problem(definitions.get(name), definitions, (*within, name))
    if "enum" in form or "const" in form:
        return None
    for key in ("anyOf", "oneOf", "allOf"):
        if key in form:
            found = (_problem(each, definitions, within) for each in form[key])
            return next(filter(None, found), None)
    match form.get("type"):
        case "string":
            return None if "maxLength" in form else "a string needs max_length"
        case "integer" | "number" | "boolean" | "null":
            return None
        case "array":
            if "maxItems" not in form:
                return "a list needs max_length"
            parts = [*form.get("prefixItems", []), *([form["items"]] if "items" in form else [])]
            found = (_problem(each, definitions, within) for each in parts)
            return next(filter(None, found), None) if parts else "it accepts a list of anything"
        case "object":
            if form.get("additionalProperties") is not False:
                return "an object needs named fields only (a model with extra='forbid')"
            fields = form.get("properties", {}).values()
            return next(filter(None, (_problem(f, definitions, within) for f in fields)), None)
    return "it accepts anything"
