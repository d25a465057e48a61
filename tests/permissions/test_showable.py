"""What no card can show is not asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jmcp_lab.calls.call import Action, CallState, Preview, PreviewItem, Target, ToolClass
from jmcp_lab.errors import ToolError
from jmcp_lab.permissions.showable import MAX_CHARACTERS, MAX_LINES, showable

from .test_gate import House

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


@pytest.mark.parametrize(
    "text",
    ["x" * (MAX_CHARACTERS + 1), "1\n" * (MAX_LINES + 1), " " * 3_500_000 + "1"],
    ids=["one line", "many lines", "far right"],
)
async def test_a_request_too_long_for_a_card_is_refused(house: House, text: str) -> None:
    house.text = text
    call = house.call()
    with pytest.raises(ToolError, match=r"too long for the user to check.*smaller steps"):
        await house.ask(call)
    assert call.state is CallState.RECEIVED


async def test_a_card_does_not_grow_beyond_the_limit(house: House) -> None:
    call = house.call()
    task = house.ask(call)
    await house.until(call, CallState.WAITING)
    seen = call.action_hash
    house.write("x" * (MAX_CHARACTERS + 1))
    with pytest.raises(ToolError, match="too long for the user to check"):
        await task
    assert call.action_hash != seen or call.decision is None


def test_only_the_changes_of_a_long_text_count() -> None:
    line = "a line of a large file\n"
    long = line * 60_000
    changed = long[: 500 * len(line)] + "another one\n" + long[500 * len(line) :]

    def change(old: str, new: str) -> Action:
        preview = Preview("diff", (PreviewItem("", None, None, old, new),))
        return Action("write_file", ToolClass.FILE, "Edit", Target(), preview)

    with pytest.raises(ToolError, match="too long"):
        showable(change("", long))
    with pytest.raises(ToolError, match="too long"):
        showable(change(long, changed))
    short = long[: len(long) // 2]
    action = change(short, short[: 500 * len(line)] + "another one\n" + short[500 * len(line) :])
    assert showable(action) is action
    # One line is drawn whole, however little of it changes.
    wide = "x" * 300_000
    with pytest.raises(ToolError, match="too long"):
        showable(change(wide, wide + "y"))
