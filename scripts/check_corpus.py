"""Open, edit and save the notebooks that PyPI packages ship, and look whether a value changed.

Each notebook is opened by the official MCP client through a real server, changed 12 times, changed
back 12 times and saved; then all of it once more, after a restart of the server. What the file
says at the end is compared with what it said at the beginning: JSON values, types and all.

`python scripts/check_corpus.py FOLDER` keeps the archives in FOLDER, so that a second run fetches
nothing, and writes the table of docs/corpus.md. It takes about a quarter of an hour.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import tarfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import httpx
import nbformat
from pip._internal.commands import create_command

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "ui-tests"))

from agent import Agent, text_of
from jmcp_lab.files.notebook_files import UnreadableNotebookError, parsed
from lab_server import LabServer

REPOSITORY = Path(__file__).resolve().parent.parent
TABLE = REPOSITORY / "docs" / "corpus.md"

PACKAGES = (
    "botorch datashader gpytorch holoviews hvplot ipympl jupyterlab jupytext nbclient nbconvert "
    "nbdime nbformat nbsphinx nbval panel papermill pythreejs seaborn shap statsmodels voila "
    "xarray"
).split()
"""Packages whose source archives contain notebooks."""

MAX_NOTEBOOKS = 32
"""Maximum number of notebooks of one package; a few have hundreds that are much alike."""

SAVED_SECONDS = 30.0
"""Maximum number of seconds to wait for the server to save all notebooks."""


@dataclass
class Sample:
    """One notebook of one package."""

    package: str
    name: str
    path: str
    before: dict[str, Any]
    ids: bool
    calls: int = 0
    refused: list[str] = field(default_factory=list)
    different: str = ""


def fetch(names: list[str], folder: Path) -> dict[str, tuple[str, Path]]:
    """Download the source archives of packages that pip finds, without building anything.

    Returns
    -------
    dict
        Version and archive by name.
    """
    command: Any = create_command("download")
    options, _ = command.parse_args(["--no-deps", "--no-binary", ":all:", "-qqqq", *names])
    found = {}
    with command.main_context():
        session = command.get_default_session(options)
        finder = command._build_package_finder(options, session, ignore_requires_python=True)
        for name in names:
            best = finder.find_best_candidate(name).best_candidate
            archive = folder / best.link.filename
            if not archive.exists():
                answer = session.get(
                    best.link.url_without_fragment, headers={"Accept-Encoding": "identity"}
                )
                answer.raise_for_status()
                archive.write_bytes(answer.content)
            found[name] = (str(best.version), archive)
    return found


def unpack(package: str, archive: Path, root: Path, most: int) -> Iterator[Sample]:
    """Extract notebooks of an archive below the server's root; from many, choose evenly."""
    with tarfile.open(archive) as packed:
        members = [
            member
            for member in packed.getmembers()
            if member.isfile() and member.name.endswith(".ipynb")
        ]
        step = max(1.0, len(members) / most)
        chosen = [members[int(number * step)] for number in range(min(most, len(members)))]
        for number, member in enumerate(chosen):
            file = packed.extractfile(member)
            assert file is not None
            data = file.read()
            path = f"{package}/{number:03d}.ipynb"
            try:
                before = said(data.decode())
            except (UnreadableNotebookError, UnicodeDecodeError):
                # The package has this file to test invalid notebooks.
                continue
            (root / package).mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(data)
            raw = json.loads(data.decode().removeprefix("\ufeff"))
            yield Sample(package, member.name.split("/", 1)[-1], path, before, has_ids(raw))


def has_ids(raw: dict[str, Any]) -> bool:
    """Return whether the cells of a file have stable ids.

    nbformat replaces missing and duplicate ids, with different ones each time it reads the file.
    An agent's edit converts an old format to 4.5, in which cells keep their ids.
    """
    if (raw.get("nbformat"), raw.get("nbformat_minor", 0)) < (4, 5):
        return False
    ids = [cell.get("id") for cell in raw["cells"]]
    return all(ids) and len({*ids}) == len(ids)


def said(text: str) -> dict[str, Any]:
    """Return the content of a notebook file, read without jmcp_lab if possible."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return cast("dict[str, Any]", nbformat.reads(text, 4))
    except Exception:
        return parsed(text)


def exact(value: object) -> object:
    """Return a value that equals only the same JSON, including the types of numbers."""
    if isinstance(value, dict):
        return {key: exact(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [exact(item) for item in value]
    return repr(value)


def difference(old: object, new: object, place: str = "") -> str:
    """Return the first place where two values differ, with both values; empty if none."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            if key not in new or key not in old:
                return f"{place}.{key} {'is gone' if key in old else 'was added'}"
            if found := difference(old[key], new[key], f"{place}.{key}"):
                return found
        return ""
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = enumerate(zip(old, new, strict=True))
        return next((d for i, (a, b) in pairs if (d := difference(a, b, f"{place}[{i}]"))), "")
    return "" if old == new else f"{place}: {str(old)[:60]} became {str(new)[:60]}"


def expected(content: dict[str, Any]) -> dict[str, Any]:
    """Return the content that a file must have in the end: in the format with cell ids."""
    metadata = content["metadata"]
    metadata = {key: metadata[key] for key in metadata if not key.startswith("orig_nbformat")}
    minor = max(content.get("nbformat_minor", 0), 5)
    return {**content, "metadata": metadata, "nbformat_minor": minor}


def plain(content: dict[str, Any], *, ids: bool) -> object:
    """Return the parts of a notebook that are compared."""
    gone = {"trusted"} if ids else {"trusted", "id"}
    cells = [{key: v for key, v in cell.items() if key not in gone} for cell in content["cells"]]
    return exact({**content, "cells": cells})


def edits(agent: Agent, sample: Sample) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield 12 changes, spread over the cells of the notebook."""
    inserted = named_id(agent.say("insert_cell", notebook=sample.path, source="x = 1", index=0))
    sample.calls += 1
    listing = agent.say("list_cells", notebook=sample.path)
    ids = re.findall(r"^\d+ (\S+) (?:code|markdown|raw)\b", listing, re.MULTILINE)
    left = [cell_id for cell_id in ids if cell_id != inserted] or [inserted]

    def cell(share: float) -> str:
        return left[int(share * len(left))]

    yield "overwrite_cell_source", {"cell": cell(0.2), "source": "y = 2\n"}
    yield "move_cell", {"cells": cell(0.6), "index": 0}
    yield "clear_outputs", {}
    yield "overwrite_cell_source", {"cell": cell(0.8), "source": "z", "type": "markdown"}
    yield "overwrite_cell_source", {"cell": cell(0.3), "source": "z", "type": "code"}
    yield "move_cell", {"cells": cell(0.0), "index": -1}
    yield "overwrite_cell_source", {"cell": cell(0.8), "source": "z", "type": "raw"}
    yield "insert_cell", {"source": "# end", "type": "markdown"}
    yield "overwrite_cell_source", {"cell": cell(0.9), "source": "last"}
    yield "delete_cell", {"cells": cell(0.4)}
    yield "delete_cell", {"cells": inserted}


def named_id(text: str) -> str:
    """Return the id of the cell that a reply names."""
    found = re.search(r"\bid ([\w-]+)", text)
    assert found is not None, text
    return found[1]


class Calls:
    """Lists the calls that changed something, like the panel."""

    def __init__(self, server: LabServer) -> None:
        self._url = f"{server.url}jmcp-lab/api/state"
        self._http = httpx.Client(headers={"Authorization": f"token {server.token}"})
        self._since = 0

    def new(self) -> list[str]:
        """Return the ids of the calls since the last use of this method, the oldest first."""
        answer = self._http.get(self._url, params={"since": self._since})
        state = answer.raise_for_status().json()
        self._since = state["seq"]
        calls = sorted(state["calls"], key=lambda call: cast("int", call["seq"]))
        return [call["id"] for call in calls if call["undoable"]]


def edit(agent: Agent, calls: Calls, sample: Sample) -> None:
    """Change a notebook, and undo all changes."""
    calls.new()
    for tool, arguments in edits(agent, sample):
        result = agent.call(tool, notebook=sample.path, **arguments)
        sample.calls += 1
        if result.is_error:
            sample.refused.append(f"{tool}: {text_of(result)[:200]}")
    for call in reversed(calls.new()):
        result = agent.call("undo_changes", notebook=sample.path, call=call)
        if result.is_error:
            sample.refused.append(f"undo_changes: {text_of(result)[:200]}")


def compare(root: Path, samples: list[Sample]) -> None:
    """Record for each notebook how it differs from its original content."""
    for sample in samples:
        if sample.different:
            continue
        before = expected(sample.before)
        try:
            after = said((root / sample.path).read_text(encoding="utf-8"))
        except UnreadableNotebookError as error:
            sample.different = f"cannot be read any more: {error.why}"
            continue
        sample.different = difference(plain(before, ids=sample.ids), plain(after, ids=sample.ids))


def mint(server: LabServer) -> str:
    """Create an agent as the panel does, with the login cookie of a browser."""
    with httpx.Client(follow_redirects=True) as http:
        # The first visit sets the login cookie; a page then sets the XSRF cookie.
        http.get(f"{server.url}lab", params={"token": server.token})
        http.get(f"{server.url}lab")
        answer = http.post(
            f"{server.url}jmcp-lab/api/agents",
            json={"label": "Corpus", "mode": "edit"},
            headers={
                "X-XSRFToken": http.cookies.get("_xsrf") or "",
                "Origin": server.url.rstrip("/").rsplit("/", 0)[0],
                "Sec-Fetch-Site": "same-origin",
            },
        )
    answer.raise_for_status()
    return cast("str", answer.json()["token"])


def run(server: LabServer, samples: list[Sample]) -> None:
    """Start the server, change every notebook, undo the changes, and stop the server."""
    server.start()
    started = time.time()
    calls = Calls(server)
    with Agent(server.mcp_url, mint(server)) as agent:
        for number, sample in enumerate(samples, 1):
            edit(agent, calls, sample)
            if number % 50 == 0:
                print(f"{number} of {len(samples)}, {time.time() - started:.0f} s", flush=True)
        # The server must save the notebooks by itself, without being asked.
        end = time.monotonic() + SAVED_SECONDS
        waiting = list(samples)
        while waiting and time.monotonic() < end:
            waiting = [s for s in waiting if (server.root / s.path).stat().st_mtime < started]
            time.sleep(0.1)
    server.stop()


def table(samples: list[Sample], versions: dict[str, str]) -> str:
    """Return the page of results for the documentation."""
    rows = []
    for package, version in sorted(versions.items()):
        mine = [sample for sample in samples if sample.package == package]
        different = sum(bool(sample.different) for sample in mine)
        rows.append(
            f"| {package} | {version} | {len(mine)} | {len(mine) - different} | {different} |"
        )
    equal = sum(not sample.different for sample in samples)
    refused = Counter(words.split(":")[0] for sample in samples for words in sample.refused)
    lines = [
        "# Notebooks of other projects",
        "",
        "Written by `scripts/check_corpus.py`, which explains what is done and compared. At most "
        f"{MAX_NOTEBOOKS} evenly chosen notebooks were taken from each package.",
        "",
        f"{len(samples)} notebooks of {len(versions)} packages, "
        f"{sum(sample.calls for sample in samples):,} edits, all undone, and the same again after "
        f"a restart of the server: {equal} equal in every value, {len(samples) - equal} different.",
        "",
        "| package | version | notebooks | equal | different |",
        "| --- | --- | ---: | ---: | ---: |",
        *rows,
        "",
    ]
    if refused:
        said_no = ", ".join(f"{tool} {count}" for tool, count in refused.most_common())
        lines += [f"Edits that were refused: {said_no}.", ""]
    lines += [
        f"- {sample.package}, `{sample.name}`: {sample.different}"
        for sample in samples
        if sample.different
    ]
    return "\n".join(lines).rstrip() + "\n"


def main() -> int:
    """Run the check; return 1 if a value changed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--most", type=int, default=MAX_NOTEBOOKS, help="notebooks of one package")
    parser.add_argument("--packages", nargs="+", default=PACKAGES)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    archives = fetch(given.packages, given.folder)
    # An earlier run, perhaps of another version, must not affect this one.
    shutil.rmtree(given.folder / "server", ignore_errors=True)
    server = LabServer(given.folder / "server")
    server.root.mkdir(parents=True, exist_ok=True)
    samples = [
        sample
        for package, (_, archive) in archives.items()
        for sample in unpack(package, archive, server.root, given.most)
    ]
    print(f"{len(samples)} notebooks", flush=True)
    for _ in range(2):
        run(server, samples)
        compare(server.root, samples)
    for sample in samples:
        for words in [sample.different, *sample.refused]:
            if words:
                print(sample.package, sample.path, sample.name, words)
    if given.packages is PACKAGES:
        TABLE.write_text(table(samples, {name: version for name, (version, _) in archives.items()}))
    return int(any(sample.different for sample in samples))


if __name__ == "__main__":
    sys.exit(main())
