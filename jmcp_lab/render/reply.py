"""From cells with outputs to the parts of a reply, within this server's limits."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from ..calls.proposed import proposed
from ..errors import UnavailableError
from ..server.heavy_work import in_turn
from ..server.helper_process import NoHelperError, helper
from .formats.images import picture_of
from .images import is_large
from .large_outputs import rendered, rendered_page
from .outputs import MAX_IMAGES, Budget, CellSection, outline

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from ..calls.call import ImagePart, TextPart
    from ..kernels.runs.run import Run
    from ..notebooks.live_notebook import LiveNotebook
    from ..render.limits import Limits
    from .huge_reads import HugeReads

WORDS_AROUND = 400
"""Characters of a reply reserved for the words before and after the cells."""

HEAVY = 500_000
"""Number of characters above which outputs are rendered in a thread."""

HUGE = 2_000_000
"""Number of characters above which the helper process renders, which takes 0.2 s to start."""

MOST_VALUES = 20_000
"""Maximum number of values that are visited to estimate a size."""

_EACH = 10
"""Characters that each value in a list or an object counts for, besides its own text."""

Result = TypeVar("Result")

_threads = ThreadPoolExecutor(1, thread_name_prefix="jmcp render")
"""Thread that renders the replies of all agents that take long."""

_waiting = ThreadPoolExecutor(1, thread_name_prefix="jmcp apart")
"""Thread that waits for the helper process."""


async def off_the_loop(work: Callable[..., Result], *arguments: object) -> Result:
    """Return the result of a function, called in the thread for work that takes long."""
    return await asyncio.get_running_loop().run_in_executor(_threads, in_turn, work, *arguments)


async def apart(work: Callable[..., Result], *arguments: object) -> Result:
    """Return the result of a function of a module, called in the helper process.

    Raises
    ------
    UnavailableError
        It takes too long, or too much memory.
    """
    return await asyncio.get_running_loop().run_in_executor(_waiting, _apart, work, *arguments)


def _apart(work: Callable[..., Result], *arguments: object) -> Result:
    try:
        return helper.call(work, *arguments)
    except NoHelperError:
        return in_turn(work, *arguments)


def budget(limits: Limits) -> Budget:
    """Return what the cells of one reply may hold."""
    return Budget(
        text=max(limits.text - WORDS_AROUND, 500),
        image_chars=limits.images,
        images=limits.send_images,
    )


def of_cell(
    notebook: LiveNotebook,
    cell_id: str,
    label: str,
    outputs: Sequence[object],
    path: str | None = None,
) -> CellSection:
    """Return the outputs of a cell, with the call that shows the rest of a long one.

    Looking up the notebook's path takes a query, so who reads many cells gives it.
    """
    path = notebook.path if path is None else path
    return _named(label, outputs, notebook.short_id(cell_id), path)


def of_run(run: Run, piece: int, label: str, outputs: Sequence[object]) -> CellSection:
    """Return the outputs of code that is in no cell, or no longer: the call names its run."""
    name = run.id if len(run.pieces) == 1 else f"{run.id}/{piece + 1}"
    return _named(label, outputs, name, None)


def _named(label: str, outputs: Sequence[object], name: str, path: str | None) -> CellSection:
    return CellSection(label, outputs, _Pages(name, path), name, path)


@dataclass(frozen=True, slots=True)
class _Pages:
    """The call that shows the rest of an output."""

    name: str
    path: str | None

    def __call__(self, output: int, offset: int) -> str:
        return proposed(
            "read_cell", cell=self.name, output=output, offset=offset, notebook=self.path
        )


async def render(
    cells: Sequence[CellSection], limits: Limits, *, taken: HugeReads | None = None
) -> list[TextPart | ImagePart]:
    """Return the parts of a reply; work that takes long is done off the event loop.

    Parameters
    ----------
    cells : sequence of CellSection
    limits : Limits
    taken : HugeReads, optional
        The turn to hold huge outputs, for outputs read from the document, where all numbers are
        floats. The caller runs inside its `reply`.
    """
    outputs = [cell.outputs for cell in cells]
    arguments = (cells, budget(limits), taken is not None)
    if is_huge(outputs):
        try:
            async with _held(taken):
                return await apart(rendered, *arguments)
        except UnavailableError as error:
            # The rest of the reply is still valid: that code ran, the sources, and small outputs,
            # which are remembered as shown.
            left = [_unshown(cell, error) if is_heavy(cell.outputs) else cell for cell in cells]
            return await off_the_loop(rendered, left, budget(limits), taken is not None)
    if is_heavy(outputs):
        return await off_the_loop(rendered, *arguments)
    return rendered(*arguments)


def _unshown(cell: CellSection, error: UnavailableError) -> CellSection:
    """Return a cell with words instead of its outputs."""
    if not cell.outputs:
        return cell
    words = f"[outputs not shown: {outline(cell.outputs)}. {error.message}]"
    label = f"{cell.label}\n{words}" if cell.label else words
    return cell._replace(label=label, outputs=[])


def _held(taken: HugeReads | None) -> AbstractAsyncContextManager[None]:
    """Return the turn to hold huge outputs; a run holds its own anyway and needs no turn."""
    return taken.held() if taken is not None else nullcontext()


async def render_one(
    cell: CellSection, number: int, offset: int, limits: Limits, *, taken: HugeReads | None = None
) -> list[TextPart | ImagePart]:
    """Return a page of one output of a cell, counted from 1; otherwise as `render`.

    Raises
    ------
    InvalidArgumentError
        There is no such output.
    """
    arguments = (cell, number, offset, budget(limits), taken is not None)
    if is_huge([cell.outputs]):
        async with _held(taken):
            return await apart(rendered_page, *arguments)
    if is_heavy(cell.outputs):
        return await off_the_loop(rendered_page, *arguments)
    return rendered_page(*arguments)


def is_huge(cells: Sequence[Sequence[object]]) -> bool:
    """Return whether outputs are so large that even a thread would delay others."""
    if weight(cells, HUGE, unseen=HUGE + 1) > HUGE:
        return True
    data = (output.get("data") for cell in cells for output in cell if isinstance(output, Mapping))
    pictures = (picture_of(each) for each in data if isinstance(each, Mapping))
    return any(map(is_large, islice(filter(None, pictures), MAX_IMAGES)))


def is_heavy(outputs: Iterable[object]) -> bool:
    """Return whether outputs take long to render; an image always does."""
    return weight(outputs, HEAVY, image=HEAVY + 1, unseen=HEAVY + 1) > HEAVY


def weight(outputs: Iterable[object], most: int, *, image: int = 0, unseen: int = 0) -> int:
    """Return about how many characters outputs hold.

    Counting stops beyond `most` and after `MOST_VALUES`, so that it never takes long itself.

    Parameters
    ----------
    outputs : iterable
    most : int
    image : int, optional
        Characters that an image counts for, besides its own.
    unseen : int, optional
        Characters that values beyond the limit count for.
    """
    found = seen = 0
    waiting: list[object] = [list(outputs)]
    while waiting and found <= most and seen <= MOST_VALUES:
        value = waiting.pop()
        seen += 1
        if isinstance(value, str):
            found += len(value)
        elif isinstance(value, Mapping | list | tuple):
            found += _EACH * len(value)
            if found > most:
                break
            if isinstance(value, Mapping):
                if image and any(str(key).startswith("image/") for key in value):
                    found += image
                waiting += islice(value.values(), MOST_VALUES)
            else:
                waiting += value[:MOST_VALUES]
    return found + unseen if waiting and seen > MOST_VALUES else found
