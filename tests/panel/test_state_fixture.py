"""`src/__tests__/state.json` has the shape of what the server sends; jest feeds it to the page."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from jmcp_lab.calls.call import (
    Action,
    Call,
    CallState,
    Decision,
    DecisionSource,
    Option,
    OptionKind,
    Preview,
    PreviewItem,
    Question,
    Target,
    ToolClass,
)
from jmcp_lab.calls.ledger import now
from jmcp_lab.rooms.liveness import NotLive
from jmcp_lab.rooms.troubles import Copy, Troubles, Unsaved

from ..support.rest import Panel, PanelApp

SRC = Path(__file__).parents[2] / "src"
FIXTURE = SRC / "__tests__" / "state.json"

MAPS = {".server.files.written"}
"""Objects whose keys are data (paths of notebooks) and not names of fields."""

Shape = dict[str, set[str]]


def shape(value: object, path: str = "", found: Shape | None = None) -> Shape:
    """Return which types stand at which path; the items of a list share one path."""
    found = {} if found is None else found
    kind = "number" if type(value) in (int, float) else type(value).__name__
    found.setdefault(path or ".", set()).add(kind)
    if isinstance(value, dict):
        for name, each in value.items():
            shape(each, f"{path}.{'*' if path in MAPS else name}", found)
    elif isinstance(value, list):
        for each in value:
            shape(each, f"{path}[]", found)
    return found


def differences(sent: Shape, fixture: Shape) -> list[str]:
    """Return in words where two shapes differ."""
    return [
        f"{path}: the handler sends {sorted(sent.get(path, ()))}, "
        f"the fixture has {sorted(fixture.get(path, ()))}"
        for path in sorted(sent.keys() | fixture.keys())
        if sent.get(path) != fixture.get(path)
    ]


def open_call(app: PanelApp, tool: str, kind: ToolClass, preview: Preview, **fields: Any) -> Call:
    agent = app.agents.all()[0]
    also = (ToolClass.EDIT,) if kind is ToolClass.RUN else ()
    call = app.ledger.open(agent.id, agent.label, tool, kind, {}, also=also)
    target = Target("sales.ipynb", ("ab12",), (12,), "python3", "file-1")
    action = Action(tool, kind, f"{tool} in sales.ipynb", target, preview)
    digest = action.action_hash(agent.id)
    fields = {"summary": action.summary, "action": action, "action_hash": digest} | fields
    app.ledger.update(call, **fields)
    return call


def fill(app: PanelApp, agents_file: Path) -> None:
    """Bring the services into a state in which every field has something to say."""
    claude, _ = app.agents.add("Claude", notebooks=["sales.ipynb"], owner="ada")
    app.agents.seen(claude, {"name": "claude-code", "version": "2.1"})
    app.agents.set_current(claude.id, "sales.ipynb")
    runner, _ = app.agents.add("Runner", "auto", notebooks=["a.ipynb"], until="2h")
    app.agents.update(runner.id, paused=True)
    app.gate.patience._paused[runner.id] = "flood"
    fill_calls(app)
    app.pairings.ask("Codex")
    data = json.loads(agents_file.read_text())
    data["agents"][0]["label"] = "Clyde"
    data["agents"].append(data["agents"][1] | {"id": "a_new", "label": "Nobody let it in"})
    agents_file.write_text(json.dumps(data))
    app.mcp_error = "The endpoint is taken."
    app.not_live = NotLive.DISABLED
    app.pages._wanted["a.ipynb"] = 1
    app.pages._written["b.ipynb"] = "1f"
    troubles = Troubles(
        (Unsaved("a.ipynb", "The drive is full."),),
        (Copy("a.ipynb", "a-copy.ipynb", "Both were changed."),),
    )
    app.troubles = lambda: troubles


def fill_calls(app: PanelApp) -> None:
    code = Preview("code", (PreviewItem("Cell 12", "ab12", text="1 + 1"),))
    diff = Preview("diff", (PreviewItem("Cell 12", old="1", new="2"),), words="After cell 11.")
    options = (
        Option(OptionKind.ALLOW_ONCE, "Allow"),
        Option(OptionKind.ALLOW_ALWAYS, "Allow runs in sales.ipynb for 30 minutes", "30m"),
        Option(OptionKind.REJECT_ONCE, "Deny"),
    )
    waits = {"state": CallState.WAITING, "options": options, "expires": now()}
    yes = Decision(True, DecisionSource.USER, OptionKind.ALLOW_ONCE, "Ada", None, now())
    no = Decision(False, DecisionSource.USER, OptionKind.REJECT_ONCE, "Ada", "Not now.", now())
    open_call(app, "execute_cell", ToolClass.RUN, code, **waits, reason="To see it")
    open_call(app, "edit_cell", ToolClass.EDIT, diff, **waits, changed=True)
    runs = {"state": CallState.RUNNING, "decision": yes}
    question = Question("q_1", "Name?")
    running = open_call(app, "execute_cell", ToolClass.RUN, code, **runs)
    app.ledger.update(running, progress="cell 1 of 2", question=question)
    done = open_call(app, "edit_cell", ToolClass.EDIT, diff, **runs, undoable=True)
    app.ledger.update(done, state=CallState.DONE)
    failed = open_call(app, "execute_cell", ToolClass.RUN, code, **runs)
    app.ledger.update(failed, state=CallState.FAILED, error="NameError", repeats=2)
    denied = open_call(app, "execute_cell", ToolClass.RUN, code, **waits)
    later = now() + timedelta(minutes=10)
    app.ledger.update(denied, state=CallState.DENIED, decision=no, denied_until=later)
    app.ledger.open(running.agent_id, running.agent_label, "wait", ToolClass.INFO, {})
    app.gate.grants.add(running, "30m", app.agents.all()[0].mode)
    app.gate.grants.add(running, "stop", app.agents.all()[0].mode)


async def test_the_handler_sends_exactly_what_the_fixture_contains(
    panel: Panel, tmp_path: Path
) -> None:
    fill(panel.app, tmp_path / "agents" / "agents.json")
    # A page that has seen more than this server ever sent is told to begin again: `reset`.
    answer = await (await panel.browser()).get("state?since=1000000")
    assert answer.status_code == 200, answer.text
    sent = answer.json()
    written = tmp_path / "state.json"
    written.write_text(json.dumps(sent, indent=2) + "\n")
    found = differences(shape(sent), shape(json.loads(FIXTURE.read_text())))
    assert found == [], f"If that is meant, copy {written} to {FIXTURE}"


def test_extra_and_missing_fields_and_other_types_are_differences() -> None:
    one, other = {"a": 1, "b": [{"c": "x"}]}, {"a": 1, "b": [{"c": None}], "d": True}
    assert differences(shape(one), shape(one)) == []
    assert differences(shape(one), shape(other)) == [
        ".b[].c: the handler sends ['str'], the fixture has ['NoneType']",
        ".d: the handler sends [], the fixture has ['bool']",
    ]


@pytest.mark.parametrize(
    ("name", "values"), [("CLASSES", ToolClass), ("STATES", CallState), ("OPTIONS", OptionKind)]
)
def test_the_page_reads_the_words_that_the_server_sends_and_no_others(
    name: str, values: type[StrEnum]
) -> None:
    (listed,) = re.findall(rf"const {name} = \[(.*?)\]", (SRC / "api/wire.ts").read_text(), re.S)
    assert re.findall(r"'(\w+)'", listed) == [each.value for each in values]


def test_the_page_has_words_for_whatever_decides_and_for_nothing_else() -> None:
    text = (SRC / "panel/format.ts").read_text()
    (body,) = re.findall(r"function decisionWords\(.*?\n\}\n", text, re.S)
    assert set(re.findall(r"case '(\w+)'", body)) == {each.value for each in DecisionSource}
