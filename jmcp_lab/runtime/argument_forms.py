"""The forms of arguments: what a tool takes, as one tree.

Both the schema that clients see (`published_schema`) and the reading of what a model sent
(`sent_arguments`) come from these forms, and the forms come from the tool's signature.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler

_MARK = "x-jmcp-kind"


class Kind(StrEnum):
    """What an argument, an item or a field is."""

    TEXT = "text"
    """A string that is taken exactly as it was sent."""
    LINES = "lines"
    """The text of a cell or a file. It is taken exactly as it was sent; a list is its lines."""
    NAME = "name"
    """A string that names something, such as a path. "" and "null" are no name."""
    ID = "id"
    """A name without commas, quotes and brackets, such as the id of a cell."""
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    LIST = "array"
    OBJECT = "object"
    ANY = "any"

    @property
    def names(self) -> bool:
        """Whether it is a string that names something."""
        return self in (Kind.NAME, Kind.ID)

    @property
    def json_type(self) -> str:
        """The type in a JSON schema."""
        if self.value in ("integer", "number", "boolean", "array", "object"):
            return self.value
        return "string"


@dataclass(frozen=True, slots=True)
class StringKind:
    """Says in a signature what a string is: ``Annotated[str, StringKind(Kind.ID, "1a2b3c4d")]``.

    Parameters
    ----------
    kind : Kind
        `Kind.TEXT`, `Kind.LINES`, `Kind.NAME` or `Kind.ID`; an unmarked string is a text.
    example : str, optional
        A right value, for error messages.
    """

    kind: Kind
    example: str | None = None

    def __get_pydantic_json_schema__(
        self,
        core_schema: Any,  # noqa: ANN401 - pydantic's own
        handler: GetJsonSchemaHandler,
    ) -> dict[str, Any]:
        """Mark the JSON schema of the string."""
        schema: dict[str, Any] = handler(core_schema)
        schema[_MARK] = self.kind.value
        if self.example is not None:
            schema.setdefault("examples", [self.example])
        return schema


@dataclass(frozen=True, slots=True)
class Form:
    """What one argument, item or field takes.

    Parameters
    ----------
    kind : Kind
    nullable : bool
        Whether the function itself tells null from an absent argument.
    verbatim : bool
        Whether one string may stand for a list and is then taken exactly as it was sent.
    choices : tuple
        The values of an enumeration; empty if there is none.
    item : Form, optional
        Form of a list's items.
    fields : mapping of str to Form
        Forms of an object's fields.
    required : frozenset of str
        Names of the fields without which an object is incomplete.
    words : mapping of str to object
        Keywords of the JSON schema that describe or bound it.
    """

    kind: Kind
    nullable: bool = False
    verbatim: bool = False
    choices: tuple[Any, ...] = ()
    item: Form | None = None
    fields: Mapping[str, Form] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    words: Mapping[str, Any] = field(default_factory=dict)


_ANY = Form(Kind.ANY)
_WORDS = (
    *("description", "default", "examples", "minimum", "maximum"),
    *("minItems", "maxItems", "minLength", "maxLength"),
)


def form_of(schema: Mapping[str, Any]) -> Form:
    """Return the form that a JSON schema of pydantic describes."""
    return _form(schema, schema.get("$defs", {}), ())


def _form(schema: object, defs: Mapping[str, Any], within: tuple[str, ...]) -> Form:
    if not isinstance(schema, Mapping):
        return _ANY
    words = {key: schema[key] for key in _WORDS if key in schema}
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        # A model that contains itself has no finite form; pydantic alone checks it.
        found = _ANY if name in within else _form(defs.get(name), defs, (*within, name))
        return _with(found, words)
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            branches = [_form(each, defs, within) for each in schema[key] if each != _NULL]
            nullable = len(branches) < len(schema[key])
            return replace(_with(_one_of(branches), words), nullable=nullable)
    choices = tuple(schema["enum"]) if "enum" in schema else ()
    if "const" in schema:
        choices = (schema["const"],)
    match schema.get("type"):
        case "string":
            return Form(Kind(schema.get(_MARK, Kind.TEXT)), choices=choices, words=words)
        case "integer" | "number" | "boolean" as kind:
            return Form(Kind(kind), choices=choices, words=words)
        case "array":
            parts = [*schema.get("prefixItems", ())]
            parts += [schema["items"]] if "items" in schema else []
            item = _one_of([_form(part, defs, within) for part in parts])
            return Form(Kind.LIST, item=item, words=words)
        case "object":
            fields = schema.get("properties", {})
            return Form(
                Kind.OBJECT,
                fields={name: _form(each, defs, within) for name, each in fields.items()},
                required=frozenset(schema.get("required", ())),
                words=words,
            )
    return Form(Kind.ANY, choices=choices, words=words)


_NULL = {"type": "null"}


def _with(form: Form, words: dict[str, Any]) -> Form:
    """Return a form with the keywords of the place where it is used."""
    return replace(form, words={**form.words, **words})


def _one_of(forms: list[Form]) -> Form:
    """Return the one form that stands for several.

    A list stands for its items as well, and an object for objects with other fields. Of anything
    else only what all have in common is left; pydantic knows the rest.
    """
    if len(forms) == 1:
        return forms[0]
    lists = [form for form in forms if form.kind is Kind.LIST]
    if lists:
        strings = [form for form in forms if form.kind in (Kind.TEXT, Kind.LINES)]
        return replace(lists[0], verbatim=bool(strings))
    if forms and all(form.kind is Kind.OBJECT for form in forms):
        names = list(dict.fromkeys(name for form in forms for name in form.fields))
        of_name = {name: [f.fields[name] for f in forms if name in f.fields] for name in names}
        return Form(
            Kind.OBJECT,
            fields={name: _one_of(each) for name, each in of_name.items()},
            required=frozenset.intersection(*(form.required for form in forms)),
        )
    if {form.kind for form in forms} == {Kind.INTEGER, Kind.NUMBER}:
        return Form(Kind.NUMBER)
    if forms and all(form.choices for form in forms):
        return replace(forms[0], choices=tuple(c for form in forms for c in form.choices))
    return _ANY if not forms or len({form.kind for form in forms}) > 1 else Form(forms[0].kind)
