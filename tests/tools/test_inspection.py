from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jupyter_server.utils import ensure_async

from jmcp_lab.agents.modes import ASK, LOOK
from jmcp_lab.calls.call import DecisionSource
from jmcp_lab.kernels.introspection import questions as kernel_inspect
from jmcp_lab.kernels.introspection.in_kernel_report import report

from ..support.robots import LIMIT, MakeRobot, Robot, write_notebook

ECHO = Path(__file__).parents[1] / "support" / "data" / "echo_kernel.py"


@pytest.fixture
def used(robot: Robot, root: Path) -> Robot:
    """A robot with a current notebook."""
    write_notebook(root, "a.ipynb", "x = 1")
    robot.app.agents.set_current(robot.agent.id, "a.ipynb")
    return robot


async def ran(robot: Robot, code: str) -> None:
    reply = await robot.run("execute_ipython", code=code)
    assert not reply.is_error, reply.text


async def test_variables_are_listed_with_type_shape_size_and_preview(used: Robot) -> None:
    await ran(
        used,
        "import pandas as pd, numpy as np\n"
        "df = pd.DataFrame({'a': [1, 2], 'b': ['x', 'y']})\n"
        "grid = np.zeros((3, 4))\n"
        "series = pd.Series([1, 2, 3])\n"
        "numbers = list(range(1000))\n"
        "name = 'Ada'\n"
        "def helper(): ...\n"
        "class Thing: ...\n",
    )
    lines = (await used.say("inspect_variables")).splitlines()
    found = {line.partition(":")[0]: line for line in lines[1:]}
    assert lines[0] == "a.ipynb · 5 variables"
    assert "pandas.DataFrame · 2x2" in found["df"]
    assert "columns: a int64" in found["df"]
    assert "numpy.ndarray · 3x4 · float64 · 96 bytes" in found["grid"]
    assert "pandas.Series · 3 · int64" in found["series"]
    assert "list · length 1,000 · [0, 1, 2," in found["numbers"]
    assert found["name"] == "name: str · length 3 · 'Ada'"
    assert found["modules"] == "modules: pd, np"
    assert found["functions"] == "functions: helper"
    assert found["classes"] == "classes: Thing"


async def test_inspection_leaves_no_trace_in_the_kernel_or_notebook(used: Robot) -> None:
    await ran(used, "x = 41")
    await used.say("inspect_variables")
    await used.say("inspect_code", code="x")
    await ran(used, "assert len(In) == 3, In\nassert 'report' not in dir() and _ == ''")
    notebook = await used.open("a.ipynb")
    assert len(notebook.ids) == 1


async def test_named_variables_are_shown_in_more_detail_and_missing_ones_are_named(
    used: Robot,
) -> None:
    await ran(used, "long = 'x' * 500; price = 2")
    short = await used.say("inspect_variables")
    assert len(next(line for line in short.splitlines() if line.startswith("long"))) < 200
    said = await used.say("inspect_variables", names=["long", "nothing"])
    assert "x" * 400 in said
    assert "missing: nothing" in said
    assert "price" not in said
    refused = await used.fail("inspect_variables", names="prise")
    assert "has no variable prise. Similar names: price" in refused


@pytest.mark.parametrize("name", ["df.head()", "a b", "", "__import__('os')"])
async def test_an_expression_is_not_accepted_as_a_name(used: Robot, name: str) -> None:
    assert "not the name of a variable" in await used.fail("inspect_variables", names=name)


async def test_a_reply_about_thousands_of_huge_variables_is_limited(used: Robot) -> None:
    await ran(used, "for i in range(3000): globals()[f'v{i}'] = 'y' * 10_000")
    said = await used.say("inspect_variables")
    assert len(said) <= used.app.services.limits.text
    assert "more variables; name those you need" in said


async def test_a_repr_that_fails_or_hides_text_does_no_harm(used: Robot) -> None:
    await ran(
        used,
        "class Bad:\n    def __repr__(self): raise RuntimeError('no')\n"
        "class Ansi:\n    def __repr__(self): return '\\x1b[31mred\\x1b[0m\\u200b\\nline'\n"
        "bad, ansi, big = Bad(), Ansi(), 10 ** 100_000",
    )
    said = await used.say("inspect_variables")
    assert "bad: Bad · (its repr fails: RuntimeError)" in said
    assert "ansi: Ansi · red line" in said
    assert "big: int · an integer with" in said


async def test_an_endless_repr_is_interrupted_and_the_agent_is_told(
    used: Robot, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ran(
        used,
        "import time\n"
        "class Slow:\n    def __repr__(self):\n        while True: time.sleep(0.01)\n"
        "first, slow, last = 1, Slow(), 3",
    )
    asked = kernel_inspect.KernelQuestions.__init__
    monkeypatch.setattr(
        kernel_inspect.KernelQuestions,
        "__init__",
        lambda self, kernel, client, _seconds: asked(self, kernel, client, 5.0),
    )
    said = await used.say("inspect_variables")
    assert "first: int · 1" in said
    assert "slow: Slow · (its repr takes too long)" in said
    assert "last: int" in said
    await ran(used, "assert last == 3")


async def test_docs_signature_and_completions_come_from_the_kernel(used: Robot) -> None:
    await ran(used, "def area(width, height=2):\n    '''The area of a box.'''")
    said = await used.say("inspect_code", code="area")
    assert "area(width, height=2)" in said
    assert "The area of a box." in said
    assert "\x1b" not in said
    said = await used.say("inspect_code", code="'text'.upp")
    assert "Completions:" in said
    assert "upper" in said
    said = await used.say("inspect_code", code="area(1) + nothing_at_all", cursor=2)
    assert "The area of a box." in said
    said = await used.say("inspect_code", code="nothing_at_all_of_this")
    assert said == "The kernel knows nothing about the code at the cursor."


async def test_long_docs_are_paged_without_a_gap(used: Robot) -> None:
    await ran(used, "def f():\n    pass\nf.__doc__ = '\\n'.join(f'row {n}.' for n in range(1000))")
    rows: list[str] = []
    offset = 0
    while True:
        said = await used.say("inspect_code", code="f", offset=offset)
        assert len(said) < 4000
        rows += re.findall(r"row (\d+)\.", said)
        onwards = re.search(r"next: inspect_code\(code='f', offset=(\d+), notebook=", said)
        if onwards is None:
            break
        offset = int(onwards[1])
    assert rows == [str(n) for n in range(1000)]


async def test_a_cursor_outside_the_code_is_refused(used: Robot) -> None:
    assert "has 1 characters" in await used.fail("inspect_code", code="x", cursor=9)
    assert "is empty" in await used.fail("inspect_code", code=" ")


async def test_without_a_kernel_there_is_nothing_to_inspect(used: Robot) -> None:
    for tool, more in (("inspect_variables", {}), ("inspect_code", {"code": "x"})):
        said = await used.fail(tool, **more)
        assert "no running kernel" in said
        assert "execute_cell starts one" in said


async def test_a_busy_kernel_says_so_and_is_not_disturbed(used: Robot, root: Path) -> None:
    run = used.start(
        "execute_ipython",
        code="import pathlib, time\npathlib.Path('in').touch()\n"
        "while not pathlib.Path('go').exists(): time.sleep(0.02)\ndone = 1",
    )
    await used.allow()
    async with asyncio.timeout(LIMIT):
        # A file that another process writes has no event.
        while not (root / "in").exists():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    said = await used.fail("inspect_variables")
    assert said.startswith("The kernel is busy")
    (root / "go").write_text("")
    assert not (await run).is_error
    assert "done: int · 1" in await used.say("inspect_variables")


async def test_inspecting_a_kernel_in_which_nobody_ran_anything_asks_first(used: Robot) -> None:
    await used.app.sessions.start("a.ipynb", "python3")
    task = used.start("inspect_variables")
    call = await used.request()
    assert call.summary == "Look at variables of a.ipynb"
    assert call.action is not None
    assert not call.action.used_kernel
    await used.deny("Not now")
    reply = await task
    assert reply.is_error
    assert "Not now" in reply.text


async def test_a_kernel_that_the_person_ran_is_inspected_without_asking(used: Robot) -> None:
    await ran(used, "x = 1")
    await used.say("inspect_variables")
    (call,) = [c for c in used.app.ledger.since(0) if c.tool == "inspect_variables"]
    assert call.decision is not None
    assert call.decision.source is DecisionSource.MODE


async def test_mode_look_cannot_inspect_and_mode_ask_asks(
    used: Robot, make_robot: MakeRobot
) -> None:
    await ran(used, "x = 1")
    looker = make_robot(LOOK, "Looker")
    said = await looker.fail("inspect_variables", notebook="a.ipynb")
    assert "does not allow inspecting variables" in said
    asker = make_robot(ASK, "Asker")
    reply = await asker.run("inspect_variables", notebook="a.ipynb")
    assert "x: int · 1" in reply.text


@pytest.fixture
def echo_kernel(robot: Robot) -> str:
    """A kernel of a language that is not Python."""
    spec = {
        "argv": [sys.executable, str(ECHO), "-f", "{connection_file}"],
        "display_name": "Echo",
        "language": "echo",
    }
    server = robot.app.serverapp
    assert server is not None
    folder = Path(server.data_dir) / "kernels" / "parrot"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps(spec))
    return "parrot"


async def test_other_languages_have_docs_and_completions_but_no_variables(
    robot: Robot, root: Path, echo_kernel: str
) -> None:
    write_notebook(
        root, "e.ipynb", "hello", kernelspec={"name": echo_kernel, "display_name": "Echo"}
    )
    await robot.say("use_notebook", notebook="e.ipynb")
    (cell,) = (await robot.open("e.ipynb")).ids
    reply = await robot.run("execute_cell", cells=cell)
    assert "hello" in reply.text
    said = await robot.say("inspect_code", code="shout")
    assert said == "[docs]\nDocs of shout\n[/docs]\nCompletions: shout_loud, shout_twice"
    said = await robot.fail("inspect_variables")
    assert "needs an IPython kernel" in said
    assert "execute_ipython" in said


class Shell:
    """What the probe needs of IPython's shell."""

    def __init__(self, **names: Any) -> None:
        self.user_ns = {"In": [], "_hidden": 1, **names}
        self.user_ns_hidden = {"In": self.user_ns["In"]}


def entry(value: object, width: int = 100) -> dict[str, Any]:
    """Return what the probe says about one value."""
    (found,) = json.loads(report(Shell(it=value), ["it"], 10, width))["variables"]
    return dict(found)


def answering_to_everything() -> object:
    return type("Mock", (), {"__getattr__": lambda self, name: self, "__repr__": lambda s: "m"})()


@pytest.mark.parametrize(
    ("make", "wanted"),
    [
        (lambda: None, {"type": "NoneType", "preview": "None"}),
        (lambda: True, {"type": "bool", "preview": "True"}),
        (lambda: {"a": [1]}, {"type": "dict", "length": 1, "preview": "{'a': [1]}"}),
        (lambda: b"ab", {"type": "bytes", "length": 2, "preview": "b'ab'"}),
        (answering_to_everything, {"type": "test_inspection.Mock", "preview": "m"}),
        (lambda: SimpleNamespace(a=1), {"preview": "namespace(a=1)"}),
    ],
)
def test_the_probe_describes_a_value(make: Callable[[], object], wanted: dict[str, Any]) -> None:
    found = entry(make())
    if "type" in wanted and "." in wanted["type"]:
        wanted = wanted | {"type": found["type"]}
    assert found | wanted == found


def test_a_list_that_contains_itself_is_described() -> None:
    circle: list[Any] = []
    circle.append(circle)
    assert entry(circle)["preview"] == "[[[[[...]]]]]"


def test_the_probe_leaves_out_hidden_variables() -> None:
    assert [v["name"] for v in json.loads(report(Shell(a=1), None, 10, 80))["variables"]] == ["a"]


async def test_questions_close_their_connection(used: Robot) -> None:
    await ran(used, "x = 1")
    session = await used.app.sessions.find("a.ipynb")
    assert session is not None
    before = {task.get_name() for task in asyncio.all_tasks()}
    await used.say("inspect_variables")
    after = {task.get_name() for task in asyncio.all_tasks()}
    assert "jmcp-lab-questions" not in after - before
    await ensure_async(used.app.sessions.interrupt(session))


# -- completing runs nothing ---------------------------------------------------------------------

TRACE = "open('ran', 'w').close()\nwithin = 1\n"


@pytest.mark.parametrize(
    ("code", "cursor"),
    [
        ("from m import ", None),
        ("from m import wi", None),
        ("  from  m  import ", None),
        ("import m.", None),
        ("import m.part", None),
        ("from m.sub import ", None),
        ("from m.", None),
        ("%aimport m.", None),
        ("x = 1\nfrom m import \ny = 2", len("x = 1\nfrom m import ")),
        ("from m import ", 3),
        ("import x,m.", None),
    ],
)
async def test_no_completion_runs_a_module_that_an_agent_has_written(
    used: Robot, root: Path, code: str, cursor: int | None
) -> None:
    await ran(used, "x = 1")
    (root / "m").mkdir()
    (root / "m/__init__.py").write_text(TRACE)
    (root / "m/sub.py").write_text(TRACE)
    more = {} if cursor is None else {"cursor": cursor}
    said = await used.say("inspect_code", code=code, **more)
    assert not (root / "ran").exists()
    assert "Completions are left out" in said
    assert "execute_ipython" in said


async def test_an_already_imported_module_is_completed(used: Robot, root: Path) -> None:
    (root / "m.py").write_text("within = 1\n")
    await ran(used, "import m, os.path")
    assert "within" in await used.say("inspect_code", code="from m import wi")
    assert "path" in await used.say("inspect_code", code="import os.pa")
    assert "numpy" in await used.say("inspect_code", code="import num")


@pytest.mark.parametrize("setting", ["greedy = True", "evaluation = 'unsafe'"])
async def test_nothing_is_completed_if_ipython_would_evaluate_code(
    used: Robot, root: Path, setting: str
) -> None:
    await ran(used, f"get_ipython().Completer.{setting}")
    said = await used.say("inspect_code", code="[open('ran', 'w')][0].")
    assert "is set to evaluate" in said
    assert not (root / "ran").exists()
