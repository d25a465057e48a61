"""Writes the form of a tool's arguments as a JSON schema that the API of every model takes.

Some of these APIs refuse a whole request for one tool whose schema has references, alternatives
(`anyOf`, `oneOf`) or lists of types. So each argument has one type. A model reads all schemas at
each turn, so what it can do without is left out: what an error would tell it as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .argument_forms import Form, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

FAR = 100
"""Numbers from this on say how much one reply holds, and are left out.

A reply that is not all says so, and a call that asks for too much is refused with the limit.
"""


def published(form: Form) -> dict[str, Any]:
    """Return the JSON schema of a form."""
    schema = dict(_keywords(form))
    if form.kind is Kind.LIST:
        schema["items"] = published(form.item or Form(Kind.ANY))
    if form.kind is Kind.OBJECT:
        schema["properties"] = {name: published(each) for name, each in form.fields.items()}
        if form.required:
            schema["required"] = [name for name in form.fields if name in form.required]
    return schema


def _keywords(form: Form) -> Iterator[tuple[str, Any]]:
    words = form.words
    yield "type", form.kind.json_type
    described = [str(words["description"])] if "description" in words else []
    if form.choices and all(isinstance(choice, str) for choice in form.choices):
        yield "enum", list(form.choices)
    elif form.choices:
        # Some APIs know enumerations of strings only.
        described.append(f"One of {', '.join(str(choice) for choice in form.choices)}.")
    if described:
        yield "description", " ".join(described)
    # An absent flag is false and an absent offset 0; only other defaults are worth a word.
    default = words.get("default")
    if default and default != words.get("minimum") and _near(default):
        yield "default", default
    if words.get("minimum", 0) not in (0, 1):
        yield "minimum", words["minimum"]
    for key in ("maximum", "minItems", "maxItems", "minLength", "maxLength"):
        if key in words and _near(words[key]):
            yield key, words[key]


def _near(value: object) -> bool:
    return not isinstance(value, int | float) or value < FAR
