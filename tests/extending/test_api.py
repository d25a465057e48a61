"""What other packages build on stays: a change here is a change for them."""

from __future__ import annotations

import inspect

from jmcp_lab import api
from jmcp_lab.testing import fixtures, robots

PROMISED = {
    "tool": (
        "(*, title, tool_class, read_only, destructive, idempotent, open_world, attaches, also)"
    ),
    "quoted": "(text)",
    "ToolContext.open": "(self, notebook)",
    "ToolContext.edit_cells": "(self, notebook, changes)",
    "ToolContext.ask": "(self, what, *, details, notebook)",
    "OpenNotebook.cells": "(self)",
    "OpenNotebook.cell": "(self, ref)",
    "OpenNotebook.cell_name": "(self, cell_id)",
    "Cell": "(id, position, type, source)",
    "Reply": "(parts, is_error)",
    "TextPart": "(text)",
    "ImagePart": "(data, mime_type)",
}


def signature(name: str) -> str:
    """Return how something is called, without types and defaults."""
    found: object = api
    for step in name.split("."):
        found = getattr(found, step)
    assert callable(found)
    called = inspect.signature(found)
    plain = [
        each.replace(annotation=each.empty, default=each.empty)
        for each in called.parameters.values()
    ]
    return str(called.replace(parameters=plain, return_annotation=called.empty))


def test_the_api_for_tools_of_other_packages_is_unchanged() -> None:
    assert {name: signature(name) for name in PROMISED} == PROMISED


def test_the_names_that_tools_of_other_packages_import_exist() -> None:
    errors = {"ToolError", "NotFoundError", "InvalidArgumentError", "ConflictError"}
    errors |= {"DeniedError", "UnavailableError"}
    arguments = {"NotebookPath", "CellId", "CellIds"}
    others = {name for name in PROMISED if "." not in name}
    others |= {"Tool", "ToolClass", "ToolContext", "OpenNotebook"}
    assert set(api.__all__) == errors | arguments | others
    assert all(hasattr(api, name) for name in api.__all__)


def test_the_names_that_their_tests_use_exist() -> None:
    for name in ("jmcp_app", "jmcp_root", "jmcp_robot", "make_jmcp_robot"):
        assert hasattr(fixtures, name)
    for name in ("say", "fail", "call", "start", "run", "request", "allow", "deny", "sources"):
        assert callable(getattr(robots.Robot, name))
    assert callable(robots.write_notebook)
    assert callable(robots.write_markdown)
