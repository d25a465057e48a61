"""Names that models give to arguments because another tool calls them so.

A name stands for an argument only if the tool has no argument of that name, has exactly one of
those that it can mean, and that one was not given as well. Names that could mean something else
are not listed: `timeout` of a run may be how long to wait or when to stop the code, `cell_index`
counts from 0 or from 1, and `pattern` may be a text or a regular expression.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .argument_forms import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .argument_forms import Form

_TEXT = ("source", "code", "content")

OF_IDS: dict[str, tuple[str, ...]] = dict.fromkeys(
    ("cell", "cells", "cell_id", "cell_ids"), ("cell", "cells")
) | dict.fromkeys(("id", "ids"), ("cell", "cells", "call"))
"""Other names of arguments that take ids."""

OTHERS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("notebook_path", "notebook_name"), ("notebook",)),
    **dict.fromkeys(("file_path", "filepath", "filename", "file"), ("path", "notebook")),
    "path": ("notebook",),
    **dict.fromkeys(("folder", "directory", "dir"), ("path",)),
    **dict.fromkeys(("source", "code", "content"), _TEXT),
    **dict.fromkeys(("cell_source", "new_source"), ("source",)),
    **dict.fromkeys(("text", "contents", "file_text"), (*_TEXT, "query")),
    **dict.fromkeys(("old_string", "old_str", "old_text"), ("old",)),
    **dict.fromkeys(("new_string", "new_str", "new_text"), ("new",)),
    "cell_type": ("type",),
    **dict.fromkeys(("kernel_name", "kernel_id", "kernelspec"), ("kernel",)),
    **dict.fromkeys(("call_id", "callid"), ("call",)),
    "timeout": ("seconds",),
    "max_depth": ("depth",),
    "max_results": ("limit",),
    "glob": ("pattern",),
    "search": ("query",),
    "include_outputs": ("outputs",),
    "include_images": ("images",),
    **dict.fromkeys(("variables", "variable", "variable_names", "name"), ("names",)),
    "edit": ("edits",),
}
"""Other names of all other arguments, and what each can mean."""

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def meant(name: str, fields: Mapping[str, Form]) -> str | None:
    """Return the one argument or field that a name can only mean, or None."""
    if len(name) > 40:
        return None
    plain = _WORD_START.sub("_", name).replace("-", "_").strip("_").lower()
    if plain in fields:
        return plain
    found = [other for other in OTHERS.get(plain, ()) if other in fields]
    found += [o for o in OF_IDS.get(plain, ()) if o in fields and takes_ids(fields[o])]
    return found[0] if len(found) == 1 else None


def takes_ids(form: Form) -> bool:
    """Return whether an argument takes one id or several."""
    return form.kind is Kind.ID or (form.item is not None and form.item.kind is Kind.ID)
