"""What pages are told of calls has a bound, and leaves out nothing that they need."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jmcp_lab.calls.call import (
    Action,
    Call,
    CallState,
    Decision,
    DecisionSource,
    Preview,
    PreviewItem,
    Target,
    ToolClass,
)
from jmcp_lab.calls.ledger import Ledger, now
from jmcp_lab.panel.views import MARKED, MAX_CELLS, call_view

IDS = tuple(f"c{number}" for number in range(5000))


def made(kind: ToolClass, *, allowed: bool = True, ago: timedelta = MARKED) -> Call:
    ledger = Ledger()
    call = ledger.open("a_1", "Claude", "delete_cell", kind, {})
    action = Action(
        "delete_cell",
        kind,
        "Delete 5,000 cells",
        Target("a.ipynb", IDS, tuple(range(1, 5001)), None, "f"),
        Preview("diff", tuple(PreviewItem("Cell", cell_id, old="x", new="") for cell_id in IDS)),
    )
    ledger.update(call, action=action, state=CallState.WAITING)
    decision = Decision(allowed=allowed, source=DecisionSource.USER, at=now())
    if allowed:
        ledger.update(call, state=CallState.RUNNING, decision=decision)
        ledger.update(call, state=CallState.DONE, ended=now() - ago)
    else:
        ledger.update(call, state=CallState.DENIED, decision=decision, ended=now() - ago)
    return call


@pytest.mark.parametrize("kind", [ToolClass.EDIT, ToolClass.FILE, ToolClass.KERNEL])
def test_pages_get_only_the_first_of_thousands_of_changed_cells(kind: ToolClass) -> None:
    target = call_view(made(kind))["target"]
    assert target["cell_ids"] == list(IDS[:MAX_CELLS])
    assert len(target["positions"]) == MAX_CELLS


def test_pages_mark_all_cells_of_a_call_that_has_just_ended() -> None:
    view = call_view(made(ToolClass.EDIT, ago=timedelta(seconds=20)))
    assert view["target"]["cell_ids"] == list(IDS)


def test_pages_know_all_cells_with_an_allowed_run_and_trust_their_outputs() -> None:
    assert call_view(made(ToolClass.RUN))["target"]["cell_ids"] == list(IDS)
    denied = call_view(made(ToolClass.RUN, allowed=False))
    assert denied["target"]["cell_ids"] == list(IDS[:MAX_CELLS])


def test_a_card_shows_every_cell_and_the_last_text_of_each() -> None:
    ledger = Ledger()
    call = ledger.open("a_1", "Claude", "execute_cell", ToolClass.RUN, {})

    def shown(text: str) -> list[str]:
        items = tuple(PreviewItem("Cell", cell_id, text=text) for cell_id in IDS)
        action = Action(
            "execute_cell",
            ToolClass.RUN,
            "Run",
            Target("a.ipynb", IDS),
            preview=Preview("code", items),
        )
        ledger.update(call, action=action, state=CallState.WAITING)
        views = [call_view(call), call_view(call)]
        assert views[0] == views[1]
        assert views[0]["target"]["cell_ids"] == list(IDS)
        return [item["text"] for item in views[0]["preview"]["items"]]

    assert shown("1") == ["1"] * 5000
    assert shown("2") == ["2"] * 5000
    ledger.update(call, state=CallState.CANCELLED)
    assert call_view(call)["preview"] is None
