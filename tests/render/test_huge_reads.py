"""One reply at a time holds huge outputs."""

from __future__ import annotations

import asyncio
import weakref

import pytest

from jmcp_lab.calls.call import Reply
from jmcp_lab.errors import UnavailableError
from jmcp_lab.render import huge_reads
from jmcp_lab.render.huge_reads import HugeReads


class _Outputs:
    """Stands for what a reply takes from the document."""


class _Reads:
    """Makes replies that hold outputs until they may end."""

    def __init__(self) -> None:
        self.huge = HugeReads()
        self.taken: weakref.WeakSet[_Outputs] = weakref.WeakSet()
        self.times = 0
        self.may_end = asyncio.Event()

    async def read(self) -> Reply:
        self.times += 1
        outputs = _Outputs()
        self.taken.add(outputs)
        async with self.huge.held():
            await self.may_end.wait()
            del outputs
        return Reply.of("read")


async def _turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_waiting_reply_holds_no_outputs() -> None:
    reads = _Reads()
    replies = [asyncio.create_task(reads.huge.reply(reads.read)) for _ in range(5)]
    await _turns()
    assert (reads.times, len(reads.taken)) == (5, 1)
    reads.may_end.set()
    assert {reply.parts for reply in await asyncio.gather(*replies)} == {Reply.of("read").parts}
    assert reads.times == 9
    await reads.huge.reply(reads.read)


async def test_a_cancelled_reply_gives_up_its_turn() -> None:
    reads = _Reads()
    first, second, third = [asyncio.create_task(reads.huge.reply(reads.read)) for _ in range(3)]
    await _turns()
    second.cancel()
    first.cancel()
    await _turns()
    assert reads.times == 4
    third.cancel()
    await asyncio.wait([first, second, third])
    reads.may_end.set()
    await reads.huge.reply(reads.read)


async def test_a_reply_that_waits_too_long_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huge_reads, "WAIT_SECONDS", 0.0)
    reads = _Reads()
    first = asyncio.create_task(reads.huge.reply(reads.read))
    await _turns()
    with pytest.raises(UnavailableError, match="Other calls are reading very large outputs"):
        await reads.huge.reply(reads.read)
    reads.may_end.set()
    await first
