"""Stands in for the package of this name, which parses 38 grammars when it is imported.

That is two seconds of every process of the tests that starts a Jupyter server: jsonschema imports
it, to check addresses that no test has. Where somebody asks, the package itself answers.
"""

from __future__ import annotations

import importlib
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType


@cache
def _package() -> ModuleType:
    here = Path(__file__).parent
    sys.path[:] = [folder for folder in sys.path if Path(folder) != here]
    del sys.modules[__name__]
    return importlib.import_module(__name__)


def is_valid_syntax(term: str, value: str) -> bool:
    """Return whether a text is what its grammar calls `term`."""
    valid: bool = _package().is_valid_syntax(term, value)
    return valid
