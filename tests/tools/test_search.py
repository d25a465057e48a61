from __future__ import annotations

import asyncio
import contextlib
import re
import resource
import threading
from pathlib import Path

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from jmcp_lab.errors import InvalidArgumentError, UnavailableError
from jmcp_lab.notebooks import cells
from jmcp_lab.server import heavy_work as heavy
from jmcp_lab.server.heavy_work import in_turn
from jmcp_lab.text import matching
from jmcp_lab.text.search import MAX_AT_ONCE, MAX_HITS, Passage, Query, search

from ..support.robots import Robot, write_notebook


def write_mixed(root: Path) -> list[str]:
    """Write a notebook in which sources and outputs hold fish."""
    stream = new_output("stream", name="stdout", text="one\ntwo\nA Trout swims\n")
    result = new_output("execute_result", {"text/plain": "'no fish'"}, execution_count=1)
    notebook = new_notebook(
        cells=[
            new_markdown_cell("# Lake\nAbout the trout"),
            new_code_cell("trout = 1\nprint(trout)", outputs=[stream, result]),
            new_code_cell("pike = 2"),
        ]
    )
    nbformat.write(notebook, root / "lake.ipynb")
    return [cell["id"] for cell in notebook.cells]


async def test_matches_in_sources_and_outputs_name_the_cell_and_show_the_line(
    robot: Robot, root: Path
) -> None:
    lake, code, pike = write_mixed(root)
    said = await robot.say("search_notebook", notebook="lake.ipynb", query="trout")
    assert said.splitlines()[0] == "lake.ipynb · 4 matching lines in 2 cells"
    assert f"id {lake}" in said
    assert "line 2: About the trout" in said
    assert said.count(f"id {code}") == 1
    assert "line 1: trout = 1" in said
    assert "output 1 at offset 8: A Trout swims" in said
    assert pike not in said


async def test_the_offset_of_a_match_works_in_read_cell(robot: Robot, root: Path) -> None:
    _, code, _ = write_mixed(root)
    said = await robot.say(
        "read_cell", notebook="lake.ipynb", cell=code, output=1, offset=len("one\ntwo\n")
    )
    assert "A Trout swims" in said
    assert "one" not in said.split("[output", 1)[1].splitlines()[1]


async def test_outputs_can_be_left_out(robot: Robot, root: Path) -> None:
    write_mixed(root)
    said = await robot.say("search_notebook", notebook="lake.ipynb", query="swims", outputs=False)
    assert said == "No matches in the sources of lake.ipynb."


async def test_a_regular_expression_matches_line_starts_and_knows_case(
    robot: Robot, root: Path
) -> None:
    write_mixed(root)
    said = await robot.say(
        "search_notebook", notebook="lake.ipynb", query=r"^(trout|pike) = \d", regex=True
    )
    assert "2 matching lines in 2 cells" in said
    said = await robot.say("search_notebook", notebook="lake.ipynb", query="TROUT", regex=True)
    assert said.startswith("No matches")
    said = await robot.say("search_notebook", notebook="lake.ipynb", query="(?i)TROUT", regex=True)
    assert "4 matching lines" in said


async def test_plain_text_is_not_read_as_a_pattern(robot: Robot, root: Path) -> None:
    write_notebook(root, "a.ipynb", "f(x)", "fx")
    said = await robot.say("search_notebook", notebook="a.ipynb", query="f(x)")
    assert "1 matching line in 1 cell" in said


async def test_a_broken_regular_expression_is_explained(robot: Robot, root: Path) -> None:
    write_notebook(root, "a.ipynb", "x")
    said = await robot.fail("search_notebook", notebook="a.ipynb", query="(x", regex=True)
    assert "not a valid regular expression: missing )" in said
    assert "regex=true" in said


async def test_a_catastrophic_expression_is_stopped_and_the_server_stays_up(
    robot: Robot, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_notebook(root, "a.ipynb", "a" * 5000 + "!")
    task = robot.start("search_notebook", notebook="a.ipynb", query="(a+)+$", regex=True)
    # The event loop is free meanwhile: another call is answered before this one ends.
    await robot.say("list_cells", notebook="a.ipynb")
    assert not task.done()
    reply = await task
    assert reply.is_error
    assert "nested repeats" in reply.text


async def test_a_reply_is_limited_and_says_what_is_left_out(robot: Robot, root: Path) -> None:
    write_notebook(root, "a.ipynb", "\n".join(f"needle {n} " + "x" * 5000 for n in range(300)))
    said = await robot.say("search_notebook", notebook="a.ipynb", query="needle", limit=500)
    assert len(said) <= robot.app.services.limits.text
    assert "300 matching lines" in said
    assert "more lines not shown" in said
    few = await robot.say("search_notebook", notebook="a.ipynb", query="needle", limit=2)
    assert few.count("needle ") == 2
    assert "298 more lines" in few


async def test_a_notebook_without_the_text_says_so(robot: Robot, root: Path) -> None:
    write_notebook(root, "a.ipynb", "x")
    said = await robot.say("search_notebook", notebook="a.ipynb", query="absent")
    assert said == "No matches in the sources and outputs of a.ipynb."


def write_large(root: Path) -> str:
    """Write a notebook with two outputs; the second is large and holds a fish at its end."""
    small = new_output("stream", name="stderr", text="a trout\n")
    large = new_output("display_data", {"text/plain": "x" * 700_000 + "\nthe last pike"})
    notebook = new_notebook(cells=[new_code_cell("1", outputs=[small, large])])
    nbformat.write(notebook, root / "large.ipynb")
    return str(notebook.cells[0]["id"])


@pytest.mark.parametrize("regex", [False, True])
async def test_large_content_is_searched_to_its_end(robot: Robot, root: Path, regex: bool) -> None:
    write_large(root)
    said = await robot.say("search_notebook", notebook="large.ipynb", query="pike", regex=regex)
    assert "output 2 at offset 700001: the last pike" in said
    assert "1 matching line" in said


@pytest.mark.parametrize("regex", [False, True])
async def test_outputs_cleared_before_their_turn_are_not_found(
    robot: Robot, root: Path, regex: bool
) -> None:
    cell = write_large(root)
    await robot.say("list_cells", notebook="large.ipynb")
    go = threading.Event()
    busy = asyncio.create_task(asyncio.to_thread(in_turn, go.wait, 30))
    for _ in range(3000):
        if heavy._line._is_held:
            break
        await asyncio.sleep(0.01)
    found = asyncio.create_task(
        robot.say("search_notebook", notebook="large.ipynb", query="pike", regex=regex)
    )
    notebook = robot.app.services.rooms.find("large.ipynb")
    assert notebook is not None
    # It has taken what is small, and waits for its turn.
    for _ in range(3000):
        if heavy._line._waiting:
            break
        await asyncio.sleep(0.01)
    cells.clear_outputs(notebook, [cell], "test")
    go.set()
    await busy
    assert await found == "No matches in the sources and outputs of large.ipynb."


def passages(*texts: str) -> list[Passage]:
    return [Passage("c", 0, lambda text=text: text) for text in texts]  # type: ignore[misc]


@pytest.mark.parametrize("is_regex", [False, True])
async def test_a_line_with_many_matches_is_one_hit(is_regex: bool) -> None:
    found = await search(Query("a", is_regex), passages("a a a\nb\na"))
    assert [(hit.line, hit.offset) for hit in found] == [(1, 0), (3, 8)]


async def test_an_expression_that_matches_nothing_at_all_ends() -> None:
    found = await search(Query("x*", is_regex=True), passages("ab\n\ncd"))
    assert [hit.line for hit in found] == [1, 2, 3]


async def test_a_match_over_several_lines_is_shown_by_its_first() -> None:
    (hit,) = await search(Query(r"b\nc", is_regex=True), passages("a\nb\nc"))
    assert (hit.line, hit.words) == (2, "b")


@pytest.mark.parametrize("is_regex", [False, True])
async def test_a_long_line_is_shown_around_the_match(is_regex: bool) -> None:
    (hit,) = await search(Query("needle", is_regex), passages("x" * 5000 + "needle" + "y" * 5000))
    assert "needle" in hit.words
    assert len(hit.words) < 200


@pytest.mark.parametrize("is_regex", [False, True])
async def test_the_number_of_counted_matches_is_limited(is_regex: bool) -> None:
    assert len(await search(Query("a", is_regex), passages("a\n" * 5000))) == MAX_HITS


@pytest.mark.parametrize("query", ["", "x" * 2000])
async def test_a_query_that_is_empty_or_huge_is_refused(query: str) -> None:
    with pytest.raises(InvalidArgumentError, match="query"):
        await search(Query(query), [])


@given(
    text=st.text(alphabet="aAb\nß\ud800\U0001f600", max_size=40),
    query=st.text(alphabet="aAb\nß", min_size=1, max_size=4),
    window=st.integers(1, 5),
)
def test_text_searched_in_pieces_has_the_same_matches(text: str, query: str, window: int) -> None:
    found = re.compile(re.escape(query), re.IGNORECASE)
    whole = list(matching.lines_with(text, found))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matching, "WINDOW", window)
        assert list(matching.lines_with(text, found, len(query))) == whole


@pytest.mark.parametrize("query", ["(a+)+$", "(a|aa)+$", "(a|a?)+$"])
async def test_no_expression_runs_past_its_time_limit(query: str) -> None:
    with pytest.raises(UnavailableError, match="it took too long"):
        await search(Query(query, is_regex=True), passages("a" * 5000 + "!"), 0.2)


@pytest.mark.parametrize(
    "query",
    [
        "(((a{99}){99}){99}){99}",
        "(" * 499 + ")" * 499,
        "(?i)" + "[\\x00-\\U0010ffff]" * 40,
        "(" * 200 + "a" + "){9,99}" * 90 + ")" * 110,
        "a{4294967294}",
        "(?P<" + "n" * 900 + ">x)",
        "\\",
    ],
)
async def test_no_expression_blocks_the_server_or_fills_its_memory(query: str) -> None:
    before = _peak()
    with contextlib.suppress(InvalidArgumentError, UnavailableError):
        await search(Query(query, is_regex=True), passages("a" * 100_000), 2)
    assert _peak() - before < 50 << 20


def _peak() -> int:
    """Return the most memory that this process has had so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


async def test_an_expression_that_fills_its_memory_is_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("jmcp_lab.text.search.MAX_BYTES", 64 << 20)
    with pytest.raises(UnavailableError, match="memory"):
        await search(Query("b", is_regex=True), passages("a" * 50_000_000), 30)


async def test_texts_with_half_surrogates_are_searched() -> None:
    (hit,) = await search(Query("b.", is_regex=True), passages("a\nb\ud800"))
    assert hit.line == 2


async def test_a_server_that_cannot_start_the_program_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.raises(UnavailableError, match="plain text"):
        await search(Query("a", is_regex=True), passages("a"))


async def test_searches_that_wait_too_long_for_their_turn_say_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("jmcp_lab.text.search.WAIT_SECONDS", 0.05)
    go = threading.Event()
    under_way = threading.Event()

    def text() -> str:
        under_way.set()
        go.wait(30)
        return ""

    slow = [Passage("c", 0, text)]
    busy = [asyncio.create_task(search(Query("a"), slow)) for _ in range(MAX_AT_ONCE)]
    await asyncio.to_thread(under_way.wait, 30)
    with pytest.raises(UnavailableError, match="Try again"):
        await search(Query("a"), passages("a"))
    go.set()
    await asyncio.gather(*busy, return_exceptions=True)


@pytest.mark.parametrize("texts", [("a" * 1_000_000,), ("a",) * 5])
async def test_no_plain_text_search_runs_past_its_time_limit(texts: tuple[str, ...]) -> None:
    with pytest.raises(UnavailableError, match="it took too long"):
        await search(Query("b"), passages(*texts), -1)


async def test_an_expression_stopped_before_all_texts_were_searched_says_so() -> None:
    passages = [Passage("a", 0, lambda: "a" * 40 + "!")]
    passages += [Passage("b", 0, lambda: "x" * 5000)] * 100
    with pytest.raises(UnavailableError, match="it took too long"):
        await search(Query("(a+)+$", is_regex=True), passages, seconds=1)
