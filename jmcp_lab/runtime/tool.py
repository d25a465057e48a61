"""Defines what a tool is: an async function with a descriptor.

The JSON schema that clients see, the reading of what they send and its check all come from the
function's signature, so they cannot drift apart. This module does not depend on the MCP SDK.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from ..errors import InvalidArgumentError
from .argument_errors import explained, found_by_pydantic
from .argument_forms import Form, form_of
from .published_schema import published
from .sent_arguments import SentArguments

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

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
    one_of : tuple of str
        Optional arguments of which a call needs one. Only the examples in errors use this; the
        function itself checks it.
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
    one_of: tuple[str, ...] = ()

    @property
    def form(self) -> Form:
        """What the arguments are."""
        return _form(self.arguments)

    @property
    def input_schema(self) -> dict[str, Any]:
        """The JSON schema of the arguments, as small as it can be."""
        return published(self.form)

    def parse(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments to call the function with, from those that a model sent.

        Raises
        ------
        InvalidArgumentError
            The message has a sentence for each wrong argument, and a right example.
        """
        sent = SentArguments(self.form, arguments)
        problems = list(sent.problems)
        try:
            model = self.arguments.model_validate(sent.taken)
        except ValidationError as error:
            problems += found_by_pydantic(self.form, error)
        if problems:
            raise InvalidArgumentError(explained(self.name, self.form, problems, self.one_of))
        return {name: getattr(model, name) for name in type(model).model_fields}


@lru_cache(maxsize=256)
def _form(arguments: type[BaseModel]) -> Form:
    return form_of(arguments.model_json_schema())


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
    one_of: tuple[str, ...] = (),
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
            one_of=one_of,
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
