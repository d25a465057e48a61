"""Tools that inspect a running kernel without adding a cell or an entry to its history."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from ..calls.call import Action, Reply, ToolClass
from ..calls.proposed import proposed
from ..errors import InvalidArgumentError, NotFoundError
from ..kernels.introspection.questions import KernelQuestions, questions
from ..render.lines import LineBudget
from ..render.marked import marked
from ..render.outputs import clip
from ..render.text import page, size_words
from ..runtime.actions import inspect_action
from ..runtime.services import CallContext
from ..runtime.tool import tool
from ..runtime.wording import count, file_name
from ..text.sanitize import clean
from .arguments import Notebook
from .kernels import running_session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ..kernels.sessions import SessionInfo
    from ..notebooks.live_notebook import LiveNotebook

MAX_VARIABLES = 200
"""Maximum number of variables in one reply."""

LIST_WIDTH = 100
"""Maximum number of characters of a preview when all variables are listed."""

NAMED_WIDTH = 1000
"""Maximum number of characters of a preview when variables are named."""

MAX_NAME = 80
"""Maximum length of a name in a reply, in characters."""

MAX_COMPLETIONS = 50
"""Maximum number of completions in one reply."""

DOCS_PAGE = 2500
"""Number of characters of docs in one reply.

The signature and the parameters come first. Examples come last and are worth a second call.
"""

MAX_CODE = 20_000
"""Maximum length of the code to look up, in characters."""

TITLES = {
    "inspect_variables": "Look at variables of {}",
    "inspect_code": "Look up code in {}'s kernel",
}
"""Title of the card for each tool, with a placeholder for the notebook's name."""

STARTS_IT = ", so there is nothing to inspect. execute_cell starts one."

_log = logging.getLogger("jmcp_lab")


@tool(title="Inspect variables", tool_class=ToolClass.INSPECT)
async def inspect_variables(
    ctx: CallContext,
    notebook: Notebook = None,
    names: Annotated[str | list[str] | None, Field(description="Default: all.")] = None,
) -> Reply:
    """Show type, shape, size and preview of variables in a notebook's running IPython kernel."""
    chosen = _names(names)
    nb = await ctx.open(notebook)
    session = await running_session(ctx, nb, STARTS_IT)
    if session.language.lower() != "python":
        raise InvalidArgumentError(
            f"inspect_variables needs an IPython kernel; {nb.shown} runs on {session.kernel_name} "
            f"({session.language or 'unknown language'}). Use execute_ipython with code of that "
            "language, or inspect_code."
        )
    what = f"variables {', '.join(chosen)}" if chosen else "all variables"
    words = f"The agent looks at {what}: type, shape, size and a short preview."
    async with _asking(ctx, nb, session) as kernel:
        await _permit(ctx, nb, session, kernel, "inspect_variables", words)
        width = LIST_WIDTH if chosen is None else NAMED_WIDTH
        found = await kernel.variables(chosen, most=MAX_VARIABLES, width=width)
    return Reply.of(_variables_text(nb, chosen, found, ctx.services.limits.text))


def _names(names: str | list[str] | None) -> list[str] | None:
    if names is None:
        return None
    given = list(dict.fromkeys([names] if isinstance(names, str) else names))
    if not 0 < len(given) <= MAX_VARIABLES:
        raise InvalidArgumentError(f"Name 1 to {MAX_VARIABLES} variables, or none for all.")
    for name in given:
        if not name.isidentifier() or len(name) > MAX_NAME:
            raise InvalidArgumentError(
                f"'{name[:MAX_NAME]}' is not the name of a variable. For an expression use "
                "execute_ipython."
            )
    return given


def _variables_text(
    nb: LiveNotebook, names: list[str] | None, found: dict[str, Any], budget: int
) -> str:
    variables = [entry for entry in found["variables"] if isinstance(entry, dict)]
    if names is not None and not variables:
        near = _listed(found.get("near"))
        hint = f" Similar names: {near}." if near else ""
        raise NotFoundError(
            f"The kernel of {nb.shown} has no variable {', '.join(names)}.{hint} Without names, "
            "inspect_variables shows all."
        )
    shown = LineBudget(budget - 1000)
    rest = len(variables) - shown.fill(map(_line, variables))
    rest += int(found.get("more") or 0)
    lines = [f"{nb.shown} · {count(len(variables), 'variable')}", *shown.lines]
    if rest:
        lines.append(f"… {count(rest, 'more variable')}; name those you need.")
    lines += [
        f"{kind}: {clip(listed, 300)}"
        for kind in ("modules", "functions", "classes", "missing")
        if (listed := _listed(found.get(kind)))
    ]
    return "\n".join(lines)


def _line(entry: dict[str, Any]) -> str:
    """Return a variable as, for example, ``df: pandas.DataFrame · 1000x5 · 40 kB · columns: …``."""
    words = [f"{_text(entry.get('name'))}: {_text(entry.get('type'))}"]
    shape = entry.get("shape")
    if isinstance(shape, list):
        words.append("x".join(str(part) for part in shape[:8]) or "scalar")
    if entry.get("dtype"):
        words.append(_text(entry["dtype"]))
    if isinstance(entry.get("length"), int):
        words.append(f"length {entry['length']:,}")
    if isinstance(entry.get("bytes"), int):
        words.append(size_words(entry["bytes"]))
    if entry.get("preview"):
        words.append(_text(entry["preview"], NAMED_WIDTH))
    return " · ".join(words)


def _text(value: object, most: int = MAX_NAME) -> str:
    """Return a value from the user's kernel as one sanitized line."""
    return clip(" ".join(clean(str(value)[: 4 * most]).split()), most)


def _listed(names: object) -> str:
    return ", ".join(_text(name) for name in names[:100]) if isinstance(names, list) else ""


@tool(title="Inspect code", tool_class=ToolClass.INSPECT)
async def inspect_code(
    ctx: CallContext,
    code: str,
    cursor: Annotated[
        int | None, Field(ge=0, description="Offset in code; default: the end.")
    ] = None,
    notebook: Notebook = None,
    offset: Annotated[int, Field(ge=0, description="For paging long docs.")] = 0,
) -> Reply:
    """Docs and signature of the name at the cursor, and completions, from the running kernel."""
    if not code.strip():
        raise InvalidArgumentError("'code' is empty; give a name such as 'df.merge'.")
    if len(code) > MAX_CODE:
        raise InvalidArgumentError(f"'code' is longer than {MAX_CODE:,} characters.")
    at = len(code) if cursor is None else cursor
    if at > len(code):
        raise InvalidArgumentError(f"'cursor' is {at}, but 'code' has {len(code)} characters.")
    nb = await ctx.open(notebook)
    session = await running_session(ctx, nb, STARTS_IT)
    onwards = partial(_docs_from, code, cursor, nb.path)
    words = f"The agent asks for docs and completions of:\n{code}"
    async with _asking(ctx, nb, session) as kernel:
        await _permit(ctx, nb, session, kernel, "inspect_code", words)
        docs = await kernel.inspect(code, at)
        refusal = None
        if session.language.lower() == "python":
            refusal = await kernel.completing_runs(code, at)
        found = await kernel.complete(code, at) if refusal is None else []
    lines = []
    if docs:
        whole = clean(docs).strip()
        piece = page(whole, offset, DOCS_PAGE)
        lines.append(marked("docs", piece.text.rstrip(), whole))
        if piece.offset or piece.next_offset is not None:
            lines.append(f"… {piece.words(onwards)}")
    if found and not offset:
        rest = len(found) - MAX_COMPLETIONS
        names = ", ".join(_text(name) for name in found[:MAX_COMPLETIONS])
        lines.append(f"Completions: {names}{f', … {rest} more' if rest > 0 else ''}")
    if refusal is not None:
        lines.append(refusal)
    return Reply.of("\n".join(lines) or "The kernel knows nothing about the code at the cursor.")


def _docs_from(code: str, cursor: int | None, path: str, offset: int) -> str:
    """Return the call that shows the docs from an offset on."""
    if len(code) > MAX_NAME:
        return f"the same call with offset={offset}"
    return proposed("inspect_code", code=code, cursor=cursor, offset=offset, notebook=path)


# -- both --------------------------------------------------------------------------------------


@asynccontextmanager
async def _asking(
    ctx: CallContext, nb: LiveNotebook, session: SessionInfo
) -> AsyncIterator[KernelQuestions]:
    with ctx.services.rooms.lease(nb):
        async with questions(ctx.services.sessions.kernel(session.kernel_id), _log) as kernel:
            yield kernel


async def _permit(
    ctx: CallContext,
    nb: LiveNotebook,
    session: SessionInfo,
    kernel: KernelQuestions,
    name: str,
    words: str,
) -> None:
    """Pass the gate, which asks if nobody has run or allowed anything in this kernel."""
    used = await kernel.used()

    def resolve() -> Action:
        title = TITLES[name].format(file_name(nb.path))
        return inspect_action(name, nb, session.kernel_name, title, words, used=used)

    await ctx.permit(resolve, nb)
