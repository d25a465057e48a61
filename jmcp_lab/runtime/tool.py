"""Defines what a tool is: an async function with a descriptor.

The JSON schema that clients see and the check of what they send both come from the function's
signature, so they cannot drift apart. This module does not depend on the MCP SDK.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from ..errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ..calls.call import Reply, ToolClass

Reason = str | None


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool.

    Parameters
    ----------
    name, title, description : str
        Texts that clients show.
    tool_class : ToolClass
        Class of the tool's calls; an action of a call may have another one.
    read_only, destructive, idempotent, open_world : bool
        Hints of the protocol's ``ToolAnnotations``; they must be true for every call.
    attaches : bool
        Whether the tool only gets the reply to another call, see `CallContext.attach`. An agent
        whose time is over may still call such a tool, and such a call does not count as work.
    function : Callable
        ``async (ctx, **arguments) -> Reply``.
    arguments : type of BaseModel
        Model that validates what a client sends.
    also : tuple of ToolClass
        Other classes whose effects each call has as well. Who decides about it needs the rights
        for all of them.
    """

    name: str
    title: str
    description: str
    tool_class: ToolClass
    read_only: bool
    destructive: bool
    idempotent: bool
    open_world: bool
    attaches: bool
    function: Callable[..., Awaitable[Reply]]
    arguments: type[BaseModel]
    also: tuple[ToolClass, ...] = ()

    @property
    def input_schema(self) -> dict[str, Any]:
        """The JSON schema of the arguments, as small as it can be."""
        schema: dict[str, Any] = _slim(self.arguments.model_json_schema())
        schema.setdefault("properties", {})
        return schema

    def parse(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Check arguments and return those to call the function with.

        Raises
        ------
        InvalidArgumentError
            The message has a sentence for each wrong argument.
        """
        try:
            model = self.arguments.model_validate(arguments)
        except ValidationError as error:
            raise InvalidArgumentError(self._explain(error)) from None
        return {name: getattr(model, name) for name in type(model).model_fields}

    def _explain(self, error: ValidationError) -> str:
        known = [name.rstrip("_") for name in self.arguments.model_fields]
        found: dict[str, str] = {}
        for problem in error.errors(include_url=False, include_context=False):
            name = str(problem["loc"][0]) if problem["loc"] else "arguments"
            *_, last = problem["loc"] or (name,)
            inner = "".join(f"[{step}]" for step in problem["loc"][1:-1])
            if problem["type"] == "missing":
                text = f"'{name}' is missing."
                if inner:
                    text = f"'{name}{inner}' has no '{last}'."
            elif problem["type"] == "extra_forbidden":
                text = f"There is no argument '{name[:60]}'."
                if inner:
                    text = f"'{name}{inner}' has an unknown field '{str(last)[:60]}'."
            elif name in ("cell", "after", "before", "from") and problem["type"] == "string_type":
                text = f"'{name}': give the id of a cell, a string that list_cells shows."
            else:
                text = f"'{name}': {problem['msg']}."
            found.setdefault(name, text)
        words = " ".join(found.values())
        return f"{words} {self.name} takes: {', '.join(known)}."


def tool(
    *,
    title: str,
    tool_class: ToolClass,
    read_only: bool = False,
    destructive: bool = False,
    idempotent: bool = False,
    open_world: bool = False,
    attaches: bool = False,
    also: tuple[ToolClass, ...] = (),
) -> Callable[[Callable[..., Awaitable[Reply]]], Tool]:
    """Turn an async function whose first parameter is the `CallContext` into a `Tool`.

    The function's docstring is the description that clients show.
    """

    def decorate(function: Callable[..., Awaitable[Reply]]) -> Tool:
        name = function.__name__
        return Tool(
            name=name,
            title=title,
            description=" ".join((function.__doc__ or "").split()),
            tool_class=tool_class,
            read_only=read_only,
            destructive=destructive,
            idempotent=idempotent,
            open_world=open_world,
            attaches=attaches,
            function=function,
            arguments=_model(name, function),
            also=also,
        )

    return decorate


def _model(name: str, function: Callable[..., Awaitable[Reply]]) -> type[BaseModel]:
    hints = get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {}
    for parameter in list(inspect.signature(function).parameters.values())[1:]:
        required = parameter.default is inspect.Parameter.empty
        default = ... if required else parameter.default
        # `from` is a keyword of Python, so functions call this parameter `from_`.
        if parameter.name.endswith("_"):
            default = Field(default, alias=parameter.name[:-1])
        fields[parameter.name] = (hints[parameter.name], default)
    fields["reason"] = (Reason, None)
    return create_model(name, __config__=ConfigDict(extra="forbid"), **fields)


def _slim(schema: Any) -> Any:  # noqa: ANN401 - any JSON
    """Drop what a model does not need: titles, null branches, null defaults.

    The schema also omits that other arguments are refused. The error for such an argument says so
    and names the arguments that exist.
    """
    if isinstance(schema, list):
        return [_slim(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {
        key: _slim(value) if key != "properties" else {n: _slim(v) for n, v in value.items()}
        for key, value in schema.items()
        if key not in ("title", "additionalProperties") and not (key == "default" and value is None)
    }
    branches = [b for b in found.get("anyOf", []) if b != {"type": "null"}]
    if len(branches) == 1 and "anyOf" in found:
        del found["anyOf"]
        found = branches[0] | found
    elif branches:
        found["anyOf"] = branches
    return found
