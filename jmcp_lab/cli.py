"""Implements the command line `jmcp-lab`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jupyter_core.paths import jupyter_data_dir

from .stdio.pairing_client import Reached, Server
from .version import __version__

TOKEN_VARIABLE = "JMCP_TOKEN"
"""Name of the environment variable that holds an agent's token."""

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "localhost"}
"""Local address at which to reach a server that listens on all addresses of this computer."""


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
            "for this folder. At the first start, the Agents panel in JupyterLab asks the user "
            "whether to let the client in. Where nobody can answer, the token of an agent comes "
            f"from the environment variable {TOKEN_VARIABLE} or from a file."
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
    return _stdio(chosen.url, chosen.token_file)


def tools_table() -> str:
    """Return the table of tools in Markdown, which the README contains."""
    from .tools.table import TOOLS

    lines = ["| tool | class | what it does |", "| --- | --- | --- |"]
    lines += [
        f"| `{tool.name}` | {tool.tool_class} | {tool.description} |" for tool in TOOLS.values()
    ]
    return "\n".join(lines) + "\n"


def _stdio(url: str | None, token_file: Path | None) -> int:
    import anyio

    from .stdio.bridge import BridgeError, bridge

    wrong: Exception | None = None
    try:
        token = _token(token_file)
        server = find_server(Path.cwd(), url)
    except Exception as error:
        # Clients show replies, but seldom what a program writes to its standard error.
        wrong = error

    async def reach(client: str) -> Reached:
        if wrong is not None:
            raise wrong
        return await _reach(server, url, token, client)

    try:
        anyio.run(bridge, reach)
    except BridgeError as error:
        _tell(str(error))
        return 2
    if wrong is not None:
        from .stdio.pairing_client import failure_words

        _tell(failure_words(wrong))
        return 2
    return 0


async def _reach(server: Server, url: str | None, token: str, client: str) -> Reached:
    """Return a server's endpoint and a token for a client; ask the person if there is no token."""
    from .stdio.pairing_client import Credentials, find_endpoint, obtain_token

    endpoint, where = url or "", "JupyterLab"
    if not (url and token):
        found, where = await find_endpoint(server)
        endpoint = url or found
    if not token:
        kept = Credentials(Path(jupyter_data_dir()) / "jmcp_lab" / "programs", server, client)
        token = await obtain_token(server, endpoint, where, client, kept, _tell)
    return Reached(server, endpoint, token)


def _tell(words: str) -> None:
    """Write to standard error, which clients keep as the log of a program."""
    sys.stderr.write(f"jmcp-lab stdio: {words}\n")
    sys.stderr.flush()


def _token(token_file: Path | None) -> str:
    """Return the given token, or an empty text."""
    token = token_file.read_text() if token_file is not None else os.environ.get(TOKEN_VARIABLE, "")
    return token.strip()


def find_server(folder: Path, url: str | None = None) -> Server:
    """Return the running Jupyter server for a folder, or the one of an MCP endpoint.

    This is the server with the deepest root folder that contains the folder. If no root contains
    it, it is the only running server.

    Raises
    ------
    LookupError
        No server is running, or several are and it is unclear which one is for this folder.
    """
    from jupyter_server.serverapp import list_running_servers

    servers: list[dict[str, Any]] = list(list_running_servers())
    if url is not None:
        known = [server for server in map(_server, servers) if _is_below(url, server)]
        base = url.rstrip("/").removesuffix("mcp")
        return max(known, key=lambda server: len(server.base), default=Server(base, base))
    if not servers:
        raise LookupError("no Jupyter server is running. Start one with `jupyter lab`.")
    here = folder.resolve()
    above = [s for s in servers if here.is_relative_to(Path(s["root_dir"]).resolve())]
    if not above and len(servers) > 1:
        roots = ", ".join(sorted(str(server["root_dir"]) for server in servers))
        raise LookupError(
            f"several Jupyter servers are running, none of them for this folder ({roots}): use "
            "--url"
        )
    deepest = max(len(Path(s["root_dir"]).resolve().parts) for s in above or servers)
    best = [s for s in above or servers if len(Path(s["root_dir"]).resolve().parts) == deepest]
    if len(best) > 1:
        urls = ", ".join(sorted(f"{server['url']}mcp" for server in best))
        raise LookupError(
            f"several Jupyter servers are running for this folder ({urls}): use --url"
        )
    return _server(best[0])


def _server(found: dict[str, Any]) -> Server:
    url = urlsplit(found["url"])
    base = found["url"]
    if found.get("sock"):
        base = f"http://localhost{found['base_url']}"
    elif found.get("hostname") in _EVERYWHERE or not url.hostname:
        # A server on all addresses publishes this computer's name, which is meant for other ones.
        base = (
            f"{url.scheme}://{_EVERYWHERE.get(str(found.get('hostname')), '127.0.0.1')}:{url.port}"
        )
        base += url.path
    root, token = os.path.realpath(found["root_dir"]), str(found.get("token") or "")
    return Server(base, root, token, str(found.get("sock") or ""))


def _is_below(url: str, server: Server) -> bool:
    """Return whether an MCP endpoint belongs to a server, under any of its local names."""
    asked, base = urlsplit(url), urlsplit(server.base)
    local = {"localhost", "127.0.0.1", "::1"}
    return (
        (asked.scheme, asked.port) == (base.scheme, base.port)
        and (asked.hostname == base.hostname or {asked.hostname, base.hostname} <= local)
        and asked.path.startswith(base.path)
        and not server.socket
    )


if __name__ == "__main__":
    sys.exit(main())
