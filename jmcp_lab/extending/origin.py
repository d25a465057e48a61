"""Records which package a tool comes from, and defines the error that names it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import ToolError

if TYPE_CHECKING:
    from ..runtime.tool import Tool


@dataclass(frozen=True, slots=True)
class OtherTool:
    """A tool and the distribution package that provides it."""

    package: str
    tool: Tool

    @property
    def full_name(self) -> str:
        """For example ``count_words (from the package word-count)``."""
        return f"{self.tool.name} (from the package {self.package})"


class OtherPackageError(ToolError):
    """A tool of another package failed, or broke a rule while it ran."""

    default_code = "other_package"

    def __init__(self, origin: OtherTool, problem: str) -> None:
        super().__init__(
            f"The tool {origin.full_name} {problem} This is not your fault. The tool is not part "
            "of jmcp_lab. Tell the user; the server's log has the details."
        )
        self.problem = problem
