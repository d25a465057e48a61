"""What the audit log says, and what it never says."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest
from jupyter_events import EventLogger

from jmcp_lab.calls.audit import SCHEMA_ID, Audit
from jmcp_lab.calls.call import (
    Action,
    CallState,
    Decision,
    DecisionSource,
    OptionKind,
    Preview,
    PreviewItem,
    Target,
    ToolClass,
)
from jmcp_lab.calls.ledger import Ledger


class Memory(logging.Handler):
    """Keeps what an administrator's handler would write."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[dict[str, object]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(json.loads(json.dumps(record.msg)))


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def ledger(memory: Memory) -> Ledger:
    events, ledger = EventLogger(), Ledger()
    events.register_handler(memory)
    Audit(events, ledger)
    return ledger


def test_each_step_of_a_call_is_written_once_and_without_code(
    ledger: Ledger, memory: Memory
) -> None:
    call = ledger.open(
        "a_1", "Claude", "execute_cell", ToolClass.RUN, {"source": "SECRET"}, reason="SECRET"
    )
    action = Action(
        "execute_cell",
        ToolClass.RUN,
        "Run SECRET",
        Target("a.ipynb", ("ab12",), (1,), "python3"),
        Preview("code", (PreviewItem("Cell 1", "ab12", "SECRET"),)),
    )
    ledger.update(call, action=action, action_hash=action.action_hash("a_1"))
    ledger.update(call, state=CallState.WAITING)
    decision = Decision(True, DecisionSource.USER, OptionKind.ALLOW_ONCE, "Ada", "SECRET")
    ledger.update(call, state=CallState.RUNNING, decision=decision)
    ledger.update(call, progress="SECRET 1 s")
    ledger.update(call, progress="SECRET 2 s")
    ledger.update(call, state=CallState.DONE)
    states = [record["state"] for record in memory.records]
    assert states == ["received", "waiting_for_approval", "running", "done"]
    assert {record["__schema__"] for record in memory.records} == {SCHEMA_ID}
    assert "SECRET" not in json.dumps(memory.records)
    last = memory.records[-1]
    assert last["path"] == "a.ipynb"
    assert last["cells"] == ["ab12"]
    assert last["decision"] == {
        "allowed": True,
        "source": "user",
        "option": "allow_once",
        "by": "Ada",
    }


def test_a_log_that_cannot_be_written_does_not_stop_a_call(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken:
        handlers = ()

        def register_event_schema(self, schema: object) -> None:
            pass

        def add_modifier(self, **_: object) -> None:
            pass

        def emit(self, **event: object) -> None:
            raise OSError("no space left")

    ledger = Ledger()
    Audit(Broken(), ledger)
    call = ledger.open("a_1", "Claude", "list_cells", ToolClass.READ, {})
    ledger.update(call, state=CallState.RUNNING)
    assert call.state is CallState.RUNNING
    assert "audit log" in caplog.text


async def test_a_configured_handler_gets_the_record_before_the_step_is_taken(
    ledger: Ledger, memory: Memory
) -> None:
    call = ledger.open("a_1", "Claude", "execute_cell", ToolClass.RUN, {})
    ledger.update(call, state=CallState.RUNNING)
    assert [record["state"] for record in memory.records] == ["received", "running"]


async def test_listeners_hear_of_each_step_in_order_soon_after_it() -> None:
    events, ledger = EventLogger(), Ledger()
    Audit(events, ledger)
    heard: list[str] = []
    ended = asyncio.Event()

    async def listen(logger: EventLogger, schema_id: str, data: dict[str, str]) -> None:
        heard.append(data["state"])
        if data["state"] == "done":
            ended.set()

    events.add_listener(schema_id=SCHEMA_ID, listener=listen)
    call = ledger.open("a_1", "Claude", "execute_cell", ToolClass.RUN, {})
    ledger.update(call, state=CallState.RUNNING)
    ledger.update(call, state=CallState.DONE)
    await asyncio.wait_for(ended.wait(), 30)
    assert heard == ["received", "running", "done"]


async def test_listeners_get_the_remaining_events_when_the_server_stops() -> None:
    events, ledger = EventLogger(), Ledger()
    audit = Audit(events, ledger)
    heard: list[str] = []

    async def listen(logger: EventLogger, schema_id: str, data: dict[str, str]) -> None:
        heard.append(data["state"])

    events.add_listener(schema_id=SCHEMA_ID, listener=listen)
    ledger.open("a_1", "Claude", "execute_cell", ToolClass.RUN, {})
    audit.flush()
    await asyncio.sleep(0)
    assert heard == ["received"]
