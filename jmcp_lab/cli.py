"""Implements the command line `jmcp-lab`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .version import __version__


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="jmcp-lab", description="People and agents in the same live notebook."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    stdio = commands.add_parser(
        "stdio",
        help="connect a client that can only start a program to the running Jupyter server",
        description=(
            "Forwards MCP messages between the standard streams and the Jupyter server that runs "
            "for this folder, now or later. At the first start, the Agents panel in JupyterLab "
            "asks the user whether to let the client in. Where nobody can answer, the token of an "
            "agent comes from the environment variable JMCP_TOKEN or from a file."
        ),
    )
    stdio.add_argument(
        "--url",
        help=("the URL of the MCP endpoint; default: look for it among the running servers"),
    )
    stdio.add_argument("--token-file", type=Path, help="a file that holds the agent's token")
    commands.add_parser("tools", help="print the table of tools, in Markdown")
    chosen = parser.parse_args(arguments)
    if chosen.command == "tools":
        sys.stdout.write(tools_table())
        return 0
    from .stdio.program import run

    return run(chosen.url, chosen.token_file)


def tools_table() -> str:
    """Return the table of tools in Markdown, which the README contains."""
    from .tools.table import TOOLS

    lines = ["| tool | class | what it does |", "| --- | --- | --- |"]
    lines += [
        f"| `{tool.name}` | {tool.tool_class} | {tool.description} |" for tool in TOOLS.values()
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
