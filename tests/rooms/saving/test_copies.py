from __future__ import annotations

import threading
from typing import Any

import pytest

from jmcp_lab.codec.fingerprint import Version
from jmcp_lab.rooms.document_kind import version_aside


class Kind:
    """Notes in which thread it works."""

    def __init__(self) -> None:
        self.thread: int | None = None

    def version_of(self, content: dict[str, Any]) -> Version:
        self.thread = threading.get_ident()
        return Version.of(content)


def notebook(*outputs: dict[str, Any], cells: int = 1) -> dict[str, Any]:
    cell = {"cell_type": "code", "metadata": {}, "source": "1", "outputs": list(outputs)}
    made = [cell | {"id": f"c{number}"} for number in range(cells)]
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": made}


def display(data: object) -> dict[str, Any]:
    return {"output_type": "display_data", "metadata": {}, "data": {"application/json": data}}


@pytest.mark.parametrize(
    ("content", "aside"),
    [
        (notebook(display([1.5] * 100_000)), True),
        (notebook(display([{"a": n} for n in range(3000)])), True),
        (notebook(display("x" * 5_000_000)), True),
        (notebook(*[display(1)] * 1000), True),
        (notebook(cells=2000), True),
        (notebook(display([1, 2, 3]), cells=20), False),
    ],
)
async def test_the_version_of_a_large_notebook_is_computed_in_a_thread(
    content: dict[str, Any], aside: bool
) -> None:
    kind = Kind()
    found = await version_aside(kind, content)  # type: ignore[arg-type]
    assert found == Version.of(content)
    assert (kind.thread != threading.get_ident()) is aside
