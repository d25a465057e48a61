"""Finds the tools of other packages in the entry-point group ``jmcp_lab.tools``.

An entry point names a list or tuple of tools in a module, or a function that returns one::

    [project.entry-points."jmcp_lab.tools"]
    word_count = "word_count.tools:TOOLS"
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

from ..runtime.tool import Tool
from ..server.containment import contained, error_name
from .guard import guarded
from .origin import OtherTool
from .rules import MAX_ALL_CHARACTERS, BrokenRuleError, checked, listed_characters

if TYPE_CHECKING:
    import logging
    from collections.abc import Collection, Mapping, Sequence

GROUP = "jmcp_lab.tools"
"""Name of the group of entry points."""

MAX_WORDS = 300
"""Maximum number of characters of the error of another package in a message."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A tool or a whole entry point that was left out, and the rule that it broke."""

    package: str
    name: str
    rule: str

    def __str__(self) -> str:
        """Return a sentence for the log."""
        return f"The tool {self.name} of the package {self.package} is left out: {self.rule}."


@dataclass(slots=True)
class Found:
    """The tools of other packages, in the order of their packages' names.

    Attributes
    ----------
    tools : dict of str to Tool
        Guarded tools, which the dispatcher calls.
    packages : dict of str to str
        Package of each tool.
    left_out : list of LeftOut
    """

    tools: dict[str, Tool] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)

    def log(self, log: logging.Logger) -> None:
        """Log which tools were found and which were left out."""
        for each in self.left_out:
            log.warning("jmcp_lab: %s", each)
        if self.tools:
            names = ", ".join(f"{name} ({self.packages[name]})" for name in self.tools)
            log.info("jmcp_lab: tools of other packages: %s", names)


def find_other_tools(ours: Collection[str], allowed: bool | Collection[str] = True) -> Found:
    """Import and check the tools of other packages.

    Parameters
    ----------
    ours : collection of str
        Names of our own tools, which no other tool can have.
    allowed : bool or collection of str
        Whether to look for any, or the names of the packages that may add tools. No other package
        is imported.
    """
    found = Found()
    if allowed is False:
        return found
    wanted = None if allowed is True else {_normal(name) for name in allowed}
    taken = dict.fromkeys(ours, "jmcp_lab itself")
    size = 0
    points = sorted(entry_points(group=GROUP), key=lambda p: (_normal(_package(p)), p.name))
    for point in points:
        package = _package(point)
        if wanted is not None and _normal(package) not in wanted:
            continue
        for item in _load(point, package, found):
            name = item.name if isinstance(item, Tool) else point.name
            try:
                tool = _checked(item, taken)
                size += (needs := listed_characters(tool))
                if size > MAX_ALL_CHARACTERS:
                    size -= needs
                    raise BrokenRuleError(
                        f"together, the tools of other packages may take {MAX_ALL_CHARACTERS:,} "
                        "characters of the list of tools, and there is no room for this one"
                    )
            except BrokenRuleError as error:
                found.left_out.append(LeftOut(package, str(name)[:80], str(error)))
                continue
            taken[tool.name] = f"the package {package}"
            found.tools[tool.name] = guarded(OtherTool(package, tool))
            found.packages[tool.name] = package
    return found


def with_other_tools(
    ours: Mapping[str, Tool], allowed: bool | Collection[str], log: logging.Logger
) -> dict[str, Tool]:
    """Return our own tools, followed by those of other packages."""
    found = find_other_tools(ours, allowed)
    found.log(log)
    return {**ours, **found.tools}


def _load(point: EntryPoint, package: str, found: Found) -> Sequence[object]:
    """Return the list that an entry point names; empty if it is no list or cannot be imported."""
    try:
        with contained():
            named = point.load()
            if callable(named) and not isinstance(named, (Tool, list, tuple)):
                named = named()
    except Exception as error:
        # The server must start whatever another package does when it is imported.
        words = f"{error_name(error)}: {error}"[:MAX_WORDS]
        rule = f"{point.value} cannot be imported ({words})"
        found.left_out.append(LeftOut(package, point.name, rule))
        return ()
    if isinstance(named, (list, tuple)):
        return named
    rule = f"{point.value} must be a list or tuple of tools, or a function that returns one"
    found.left_out.append(LeftOut(package, point.name, rule))
    return ()


def _checked(item: object, taken: dict[str, str]) -> Tool:
    try:
        with contained():
            return checked(item, taken)
    except BrokenRuleError:
        raise
    except Exception as error:
        # Another package may pass any object, and its schema may raise any exception.
        words = f"{error_name(error)}: {error}"[:MAX_WORDS]
        raise BrokenRuleError(f"it cannot be checked ({words})") from None


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.module


def _normal(name: str) -> str:
    """Return a package's name in the normalised form that package indexes compare."""
    return re.sub(r"[-_.]+", "-", name).lower()
