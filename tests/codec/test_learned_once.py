"""What a file says to the last digit is taken note of off the event loop, and once."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from jmcp_lab.codec.originals import Originals
from jmcp_lab.notebooks.notebook_document import NotebookDocument


def whole(minor: int) -> dict[str, Any]:
    cells = [
        {
            "cell_type": "code",
            "metadata": {"n": [2**60, 1.0, 1e22]},
            "source": f"{number}",
            "outputs": [],
            "execution_count": None,
            **({"id": f"c{number}"} if minor >= 5 else {}),
        }
        for number in range(20)
    ]
    metadata = {"n": 2**60}
    return {"nbformat": 4, "nbformat_minor": minor, "metadata": metadata, "cells": cells}


@pytest.mark.parametrize("minor", [4, 5])
async def test_a_notebook_is_read_into_the_document_once_and_in_a_thread(
    monkeypatch: pytest.MonkeyPatch, minor: int
) -> None:
    threads: list[int] = []
    learn = Originals.learn

    def noted(originals: Originals, content: dict[str, Any]) -> None:
        threads.append(threading.get_ident())
        learn(originals, content)

    monkeypatch.setattr(Originals, "learn", noted)
    content = whole(minor)
    document = NotebookDocument()
    await document.learn_aside(content)
    await document.fill(content)
    assert len(threads) == 1
    assert threads[0] != threading.get_ident()
    assert document.get() == content
    # What is set later was not learned just before, even if it is the same.
    await document.aset(content)
    assert len(threads) == 2
    assert document.get() == content
