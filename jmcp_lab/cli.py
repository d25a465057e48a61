"""The command line: `jmcp-lab`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_data_dir

from . import __version__
from .mcp.pairing import Server

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
        "this folder. At the first start the user is asked in JupyterLab's Agents panel whether "
        "to let the client in. Where nobody can be asked, an agent's token is read from the "
        f"environment variable {TOKEN_VARIABLE} or from a file.",
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
    import anyio

    from .mcp.pairing import Kept, NotLetInError, let_in
    from .mcp.stdio import bridge

    async def token_for(client: str) -> str:
        kept = Kept(Path(jupyter_data_dir()) / "jmcp_lab" / "programs", server, client)
        return await let_in(server, client, kept, _tell)

    async def given(client: str) -> str:
        return token

    try:
        token = _token(token_file)
        server = find_server(Path.cwd(), url)
        anyio.run(bridge, url or server.mcp, given if token else token_for)
    except (LookupError, NotLetInError, OSError) as error:
        _tell(str(error))
        return 2
    return 0


def _tell(words: str) -> None:
    """Write to where clients keep the log of a program."""
    sys.stderr.write(f"jmcp-lab stdio: {words}\n")
    sys.stderr.flush()


def _token(token_file: Path | None) -> str:
    """Return the token that was given, or an empty text."""
    token = token_file.read_text() if token_file is not None else os.environ.get(TOKEN_VARIABLE, "")
    return token.strip()


def find_server(folder: Path, url: str | None = None) -> Server:
    """Return the running Jupyter server for a folder, or the one of an MCP endpoint.

    The server with the most specific root above the folder; the only server when none is above.

    Raises
    ------
    LookupError
        No server, or more than one and none is for this folder.
    """
    from jupyter_server.serverapp import list_running_servers

    servers: list[dict[str, Any]] = list(list_running_servers())
    if url is not None:
        base = url.rstrip("/").removesuffix("mcp")
        known = [server for server in servers if server["url"] == base]
        return _server(known[0]) if known else Server(base, base)
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
    return _server(best[0])


def _server(found: dict[str, Any]) -> Server:
    return Server(found["url"], os.path.realpath(found["root_dir"]), str(found.get("token") or ""))


if __name__ == "__main__":
    sys.exit(main())
