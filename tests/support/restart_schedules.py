"""Defines and plays schedules of what people, agents and servers do to a notebook."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .distant_page import Page
    from .restarts import Restarts

STEPS = (
    *(["types"] * 5),
    *(["person_inserts", "person_deletes"]),
    *(["speaks"] * 5),
    *(["hears"] * 6),
    *(["agent_writes"] * 4),
    *(["agent_inserts", "agent_inserts", "agent_moves", "agent_deletes"]),
    *(["saves"] * 4),
    *(["flushes"] * 2),
    *(["is_cut", "comes_back", "comes_back"]),
    *(["is_killed", "ends", "loses_history", "restores_history", "backs_up", "backs_up"]),
    *(["rewrites", "starts", "starts"]),
    *(["restarts"] * 4),
)
"""Possible steps; frequent ones are listed several times."""

HISTORIES = {"loses_history", "restores_history", "backs_up", "restarts"}
"""Steps that change histories while no server runs."""

REMAKING = (
    *(step for step in STEPS if step not in HISTORIES),
    *(["person_moves", "person_moves", "person_retypes", "person_erases", "person_erases"]),
    *(["agent_retypes"]),
)
"""Steps with people who move and retype cells, which makes pages recreate them; histories stay."""


async def act(world: Restarts, name: str, page: Page, cell: int, at: int) -> None:
    match name:
        case "types":
            world.types(page, cell, at)
        case "person_inserts":
            world.person_inserts(page, at)
        case "person_deletes":
            world.person_deletes(page, cell)
        case "person_moves":
            world.person_remakes(page, cell, at)
        case "person_retypes":
            world.person_remakes(page, cell, None)
        case "person_erases":
            world.person_erases(page, cell, at)
        case "agent_retypes":
            world.agent_retypes(cell)
        case "speaks":
            await page.speak()
        case "hears":
            page.hear()
        case "agent_writes":
            world.agent_writes(cell, at)
        case "agent_inserts":
            world.agent_inserts(at)
        case "agent_moves":
            world.agent_moves(cell, at)
        case "agent_deletes":
            world.agent_deletes(cell)
        case "is_cut":
            await world.cuts(page)
        case "comes_back":
            if world.up and page.wire is None:
                page.connect(world.room)
        case "rewrites":
            world.rewrites(cell, at)
        case "restarts":
            await world.restarts(at)
        case _:
            done = getattr(world, name)()
            if done is not None:
                await done


async def play(
    world: Restarts, schedule: bytes, steps: Sequence[str] = STEPS, people: int = 2
) -> dict[str, object]:
    """Play a schedule of three bytes for each step: what happens, to which page and cell, where.

    Parameters
    ----------
    world : Restarts
    schedule : bytes
    steps : sequence of str, optional
        Possible steps.
    people : int, optional
        Number of pages with a person who does something.

    Returns
    -------
    dict
        Faults at the end, by kind.
    """
    await world.begin()
    for at in range(0, len(schedule) - 2, 3):
        what, who, where = schedule[at : at + 3]
        await act(world, steps[what % len(steps)], world.pages[who % people], who // 2, where)
        await asyncio.sleep(0)
    return await world.faults()


def schedule(*steps: tuple[str, int, int, int], names: Sequence[str] = STEPS) -> bytes:
    """Return the bytes of a schedule of steps by name, with page, cell and place."""
    return b"".join(
        bytes((names.index(name), page + 2 * cell, where)) for name, page, cell, where in steps
    )
