"""The command line: `jmcp-lab`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from . import __version__

TOKEN_VARIABLE = "JMCP_TOKEN"


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="jmcp-lab", description="People and agents in the same live notebook."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    stdio = commands.add_parser(
        "stdio",
        help="connect a client that only starts a program to the running Jupyter server",
        description="Carries MCP between standard streams and the Jupyter server that runs for "
        f"this folder. The agent's token is read from the environment variable {TOKEN_VARIABLE} "
        "or from a file.",
    )
    stdio.add_argument("--url", help="the MCP endpoint; found among the running servers if absent")
    stdio.add_argument("--token-file", type=Path, help="a file that holds the agent's token")
    commands.add_parser("tools", help="print the table of tools, in Markdown")
    chosen = parser.parse_args(arguments)
    if chosen.command == "tools":
        sys.stdout.write(tools_table())
        return 0
    return _stdio(chosen.url, chosen.token_file)


def tools_table() -> str:
    """Return the table of tools as the README has it."""
    from .tools.table import TOOLS

    lines = ["| tool | class | what it does |", "| --- | --- | --- |"]
    lines += [
        f"| `{tool.name}` | {tool.tool_class} | {tool.description} |" for tool in TOOLS.values()
    ]
    return "\n".join(lines) + "\n"


def _stdio(url: str | None, token_file: Path | None) -> int:
    try:
        token = _token(token_file)
        url = url or find_server(Path.cwd())
    except (LookupError, OSError) as error:
        sys.stderr.write(f"jmcp-lab stdio: {error}\n")
        return 2
    import anyio

    from .mcp.stdio import bridge

    anyio.run(bridge, url, token)
    return 0


def _token(token_file: Path | None) -> str:
    token = token_file.read_text() if token_file is not None else os.environ.get(TOKEN_VARIABLE, "")
    if not token.strip():
        raise LookupError(
            f"no token. In JupyterLab's Agents panel choose 'Connect an agent', and give the "
            f"token in the environment variable {TOKEN_VARIABLE} or with --token-file."
        )
    return token.strip()


def find_server(folder: Path) -> str:
    """Return the MCP endpoint of the running Jupyter server for a folder.

    The server with the most specific root above the folder; the only server when none is above.

    Raises
    ------
    LookupError
        No server, or more than one and none is for this folder.
    """
    from jupyter_server.serverapp import list_running_servers

    servers: list[dict[str, Any]] = list(list_running_servers())
    if not servers:
        raise LookupError("no Jupyter server is running. Start one with `jupyter lab`.")
    here = folder.resolve()
    above = [s for s in servers if here.is_relative_to(Path(s["root_dir"]).resolve())]
    if not above and len(servers) > 1:
        roots = ", ".join(sorted(str(server["root_dir"]) for server in servers))
        raise LookupError(f"several Jupyter servers run, none for this folder ({roots}): use --url")
    deepest = max(len(Path(s["root_dir"]).resolve().parts) for s in above or servers)
    best = [s for s in above or servers if len(Path(s["root_dir"]).resolve().parts) == deepest]
    if len(best) > 1:
        urls = ", ".join(sorted(f"{server['url']}mcp" for server in best))
        raise LookupError(f"several Jupyter servers run for this folder ({urls}): use --url")
    return f"{best[0]['url']}mcp"


if __name__ == "__main__":
    sys.exit(main())
