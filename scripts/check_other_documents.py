"""Check that a person and an agent can work together next to jupyter-server-documents.

jupyter-server-documents cannot be installed together with the jupyter-server-fileid that the tests
need, so this check is not one of the tests. Create a separate environment and pass its interpreter:

    python -m venv beside && beside/bin/pip install . jupyter-server-documents
    python scripts/check_other_documents.py beside/bin/python

The script fails if a name that is relied on is gone, if a character is lost, or if a dialog appears
in the page.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "ui-tests"))

import nbformat
from playwright.sync_api import Page, expect, sync_playwright

from lab_page import (
    CHROMIUM_ARGUMENTS,
    Console,
    find_chromium,
    log_in,
    new_context,
    open_lab,
    open_notebook,
)
from lab_server import LabServer
from panel import allow_and_wait, card, connected, editor, open_panel, outputs

NAME = "beside.ipynb"
ROUNDS = 8

LOOK_FOR_NAMES = """
from jmcp_lab.rooms.upstream.names import Part, missing_names
missing = [name for name in missing_names(live=False, others=True) if name.part is Part.OTHERS]
assert not missing, "gone: " + ", ".join(map(str, missing))
"""
"""Run where jupyter-server-documents is installed; `names.py` lists what is relied on."""


def play(page: Page, server: LabServer) -> None:
    """Let a person type while an agent inserts cells, then let the agent run a cell."""
    cells = [nbformat.v4.new_code_cell(source) for source in ("one", "two")]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
    nbformat.write(notebook, server.root / NAME)
    open_notebook(page, NAME)
    with connected(page, server, "Robot", "edit") as agent:
        agent.say("use_notebook", notebook=NAME)
        agent.say("read_cells")
        editor(page, 1).click()
        page.keyboard.press("Control+End")
        typed = "one"
        for number in range(ROUNDS):
            writing = agent.start("insert_cell", source=f"print({number})")
            page.keyboard.type(f" typed {number}", delay=30)
            typed += f" typed {number}"
            assert not writing.result(30).is_error
        wanted = [typed, "two", *(f"print({number})" for number in range(ROUNDS))]
        shown = page.locator(".jp-Notebook .jp-Cell .cm-content")
        expect(shown).to_have_text(wanted)
        open_panel(page)
        last = nbformat.read(server.root / NAME, 4).cells[-1].id
        run = agent.start("execute_cell", cells=last, hold=60)
        allow_and_wait(card(page, f"Run cell {len(wanted)} in {NAME}"), run)
        expect(outputs(page, len(wanted))).to_have_text(f"{ROUNDS - 1}\n")
        expect(shown).to_have_text(wanted)
        expect(page.locator(".jp-Dialog")).to_have_count(0)
        expect(page.locator(".jp-jmcp-Strip")).to_contain_text("jupyter-server-documents")
    saved = [cell.source for cell in nbformat.read(server.root / NAME, 4).cells]
    assert saved == wanted, saved


def main() -> None:
    """Look for the names, start the server and the browser, and run the check."""
    subprocess.run([sys.argv[1], "-c", LOOK_FOR_NAMES], check=True)
    with (
        LabServer(Path(tempfile.mkdtemp()), python=sys.argv[1]) as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=CHROMIUM_ARGUMENTS
        )
        context = new_context(browser, Console())
        log_in(context, server)
        page = context.new_page()
        open_lab(page, server)
        play(page, server)
        browser.close()
    print("Nothing was lost, and nobody was asked.")


if __name__ == "__main__":
    main()
