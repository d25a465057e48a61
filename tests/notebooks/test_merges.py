from __future__ import annotations

from typing import TYPE_CHECKING

from jmcp_lab.notebooks import merges as module
from jmcp_lab.notebooks.merges import MAX_KNOWN, Merges

if TYPE_CHECKING:
    import pytest


async def test_a_change_is_merged_once_with_each_text_that_it_meets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[module.Texts] = []
    plain = module._merged

    def merged(texts: module.Texts) -> object:
        done.append(texts)
        return plain(texts)

    monkeypatch.setattr(module, "_merged", merged)
    merges = Merges()
    long = "a\n" + "x = 0\n" * module.LARGE
    await merges.ahead([("a", "b", "a"), ("a", "b", long)])
    assert done == [("a", "b", long)]
    # Cells with the same text do not drive each other out.
    for present in ("a", "a\nc", "a", "a\nc", long):
        merges.merge("a", "b", present)
    assert done[1:] == [("a", "b", "a"), ("a", "b", "a\nc")]


def test_typing_while_a_call_waits_does_not_accumulate_merges() -> None:
    merges = Merges()
    for number in range(10 * MAX_KNOWN):
        merges.merge("a", "b", f"a\n{number}")
    assert len(merges._known["a", "b"]) == MAX_KNOWN
