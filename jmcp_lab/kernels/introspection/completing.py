"""Detect completions that would run code: IPython imports a module to list its content.

That would run a module beside the notebook, which an agent may have just written, without asking
anybody. The same applies if IPython is configured to evaluate the code before the cursor.
"""

from __future__ import annotations

import ast
import re
from contextlib import suppress
from typing import Any

_IMPORT = re.compile(r"\s*%?(?:import|from|aimport)(?!\S)\s*(\S*)(.*)", re.DOTALL)
_DOTTED = re.compile(r"[\w.]+")

_QUESTION = (
    "(lambda completer, loaded: [getattr(completer, 'evaluation', 'limited'), "
    "bool(getattr(completer, 'greedy', False)), bool(getattr(completer, 'policy_overrides', {{}})),"
    " all(name in loaded for name in {names!r})])"
    "(__import__('IPython').get_ipython().Completer, __import__('sys').modules)"
)

EVALUATES = ("unsafe", "dangerous")

IMPORTS = (
    "Completions are left out: to list them, IPython would import '{module}' and so run it. Import "
    "it with execute_ipython first, which asks the user if that is needed."
)
EVALUATION = (
    "Completions are left out: this kernel's IPython is set to evaluate the code before the cursor "
    "in order to complete it. Use execute_ipython with dir(...), which asks the user if that is "
    "needed."
)


def imported(code: str, cursor: int) -> list[str] | None:
    """Return the modules that IPython may import to complete code, each after its parents.

    Parameters
    ----------
    code : str
    cursor : int

    Returns
    -------
    list of str or None
        None if this cannot be determined.
    """
    # IPython examines the whole line that contains the cursor.
    line = code.split("\n")[code.count("\n", 0, cursor)]
    found = _IMPORT.match(line)
    if found is None:
        return []
    name, rest = found.groups()
    if not name:
        return []
    if not _DOTTED.fullmatch(name):
        return None
    parts = name.rstrip(".").split(".") if rest else name.split(".")[:-1]
    return [".".join(parts[:end]) for end in range(1, len(parts) + 1)]


def question(names: list[str] | None) -> str:
    """Return the expression that asks IPython what `refusal` needs to know."""
    return _QUESTION.format(names=names or [])


def refusal(names: list[str] | None, answer: Any) -> str | None:  # noqa: ANN401 - of the kernel
    """Return a message why completing would run code, or None.

    Parameters
    ----------
    names : list of str or None
        The result of `imported`.
    answer : Any
        The kernel's answer to `question`.
    """
    evaluation, greedy, overrides, loaded = _read(answer)
    if evaluation in EVALUATES or greedy or overrides:
        return EVALUATION
    if names is None or (names and not loaded):
        return IMPORTS.format(module=names[-1][:80] if names else "a module")
    return None


def _read(answer: Any) -> tuple[str, bool, bool, bool]:  # noqa: ANN401
    """Parse the kernel's answer; assume for other kernels than IPython that nothing is loaded."""
    with suppress(ValueError, SyntaxError, TypeError, MemoryError, RecursionError, AttributeError):
        if answer["status"] == "ok":
            text = answer["data"]["text/plain"]
            evaluation, greedy, overrides, loaded = ast.literal_eval(text[:1000])
            return str(evaluation), bool(greedy), bool(overrides), loaded is True
    return "limited", False, False, False
