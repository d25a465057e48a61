from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jmcp_lab.render.blocks import block_of
from jmcp_lab.render.tracebacks import traceback_text, without_library_frames, without_library_paths

from ..support.outputs import TRACEBACKS


@pytest.mark.parametrize("name", TRACEBACKS)
def test_a_traceback_says_the_error_once_at_its_end_without_noise(name: str) -> None:
    output = TRACEBACKS[name]
    text = traceback_text(output)
    message = text.splitlines()[-1]
    assert message.startswith(output["ename"] + ": ")
    assert text.count(message) == 1
    for noise in ("\x1b", "-" * 20, "Traceback (most recent", "site-packages", "python3.11"):
        assert noise not in text
    # The user's frames come first.
    assert text.splitlines()[0].strip().startswith("Cell In[")


def test_a_division_by_zero_is_short() -> None:
    assert traceback_text(TRACEBACKS["zero"]) == (
        "Cell In[1], line 1\n----> 1 1/0\nZeroDivisionError: division by zero"
    )


@pytest.mark.parametrize("name", ["pandas", "pandas_plain"])
def test_frames_of_libraries_are_folded(name: str) -> None:
    text = traceback_text(TRACEBACKS[name])
    assert "… 2 frames in pandas folded, last: pandas/core/indexes/base.py:3823 in " in text
    assert "… raised while handling the same error (5 frames in pandas folded, last: " in text
    assert "indexer" not in text  # source of pandas
    assert "look('zzz')" in text
    assert "return df[n]" in text


def test_a_chain_of_the_users_own_errors_is_kept() -> None:
    text = traceback_text(TRACEBACKS["chain"])
    order = [
        "ValueError: invalid literal",
        "The above exception was the direct cause of the following exception:",
        "RuntimeError: wrapped",
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)


def test_a_syntax_error_keeps_its_caret() -> None:
    assert "    def f(:\n          ^\n" in traceback_text(TRACEBACKS["syntax"])


def test_a_deep_recursion_is_short() -> None:
    assert len(traceback_text(TRACEBACKS["recursion"])) < 400


def test_many_frames_of_the_user_are_shortened() -> None:
    frames = [f"Cell In[{n}], line 1, in f{n}()\n----> 1 f{n + 1}()\n" for n in range(50)]
    text = traceback_text({"ename": "E", "evalue": "v", "traceback": ["-" * 75, *frames, "E: v"]})
    assert "… 42 more of your own frames left out" in text
    assert "in f0()" in text
    assert "in f49()" in text
    assert "in f20()" not in text


@pytest.mark.parametrize(
    ("heading", "said"),
    [
        pytest.param(
            'File "/opt/v/lib/python3.12/site-packages/numpy/linalg/x.py", line 9, in solve',
            "… 1 frame in numpy folded: numpy/linalg/x.py:9 in solve",
            id="plain Python",
        ),
        pytest.param(
            "File C:\\Users\\me\\venv\\Lib\\site-packages\\numpy\\x.py:9, in solve(a, b)",
            "… 1 frame in numpy folded: numpy/x.py:9 in solve",
            id="Windows",
        ),
        pytest.param(
            "~/env/lib/python3.9/site-packages/numpy/x.py in solve(a)",
            "… 1 frame in numpy folded: numpy/x.py in solve",
            id="IPython 7",
        ),
        pytest.param(
            "File <frozen importlib._bootstrap>:1147, in _find_and_load(name)",
            "… 1 frame in importlib._bootstrap folded: importlib._bootstrap:1147 in _find_and_load",
            id="frozen",
        ),
        pytest.param(
            "File ~/project/model.py:3, in fit(x)",
            "File ~/project/model.py:3, in fit(x)",
            id="a module of the user stays",
        ),
    ],
)
def test_frames_are_known_in_all_their_forms(heading: str, said: str) -> None:
    entries = ["Cell In[1], line 1\n----> 1 go()", heading + "\n      8 a\n----> 9 b", "E: v"]
    assert said in traceback_text({"ename": "E", "evalue": "v", "traceback": entries})


@pytest.mark.parametrize(
    ("output", "text"),
    [
        pytest.param({}, "error", id="nothing"),
        pytest.param({"ename": "E"}, "E", id="no message"),
        pytest.param({"ename": "E", "evalue": "v", "traceback": []}, "E: v", id="no frames"),
        pytest.param({"ename": "E", "evalue": "v", "traceback": "E: v"}, "E: v", id="a text"),
        pytest.param(
            {"ename": "ERROR", "evalue": "bad", "traceback": ["Error in f(): bad", "1. f()"]},
            "Error in f(): bad\n1. f()\nERROR: bad",
            id="another language",
        ),
        pytest.param({"ename": 1, "evalue": ["a", "b"], "traceback": {}}, "{}\n1: ab", id="odd"),
    ],
)
def test_tracebacks_without_python_frames_are_kept_as_they_are(
    output: dict[str, object], text: str
) -> None:
    assert traceback_text(output) == text


def test_paths_into_libraries_are_shortened_everywhere() -> None:
    text = "see '/opt/x/lib/python3.11/site-packages/a/b.py' and /usr/lib/python3.11/json/c.py:3"
    assert without_library_paths(text) == "see 'a/b.py' and json/c.py:3"


_REMOTE = (
    "Traceback (most recent call last):\n"
    '  File "/opt/lib/python3.11/json/decoder.py", line 355, in raw_decode\n'
    "StopIteration: 0\n"
    "\n"
    "During handling of the above exception, another exception occurred:\n"
    "\n"
    "Traceback (most recent call last):\n"
    '  File "worker.py", line 3, in work\n'
    "ValueError: in the worker"
)


@pytest.mark.parametrize("name", ["RuntimeError", "pool.RemoteError"])
@pytest.mark.parametrize(
    ("message", "printed"),
    [
        pytest.param("Traceback (most recent call last):", None, id="one line"),
        pytest.param(_REMOTE, None, id="a whole traceback"),
        pytest.param(f"in a worker:\n{_REMOTE}", None, id="a traceback further down"),
        pytest.param("Traceback (most recent call last):\n  File", "other", id="other words"),
    ],
)
def test_an_error_whose_message_is_a_traceback_keeps_its_name_and_message(
    name: str, message: str, printed: str | None
) -> None:
    shown = f"{name}: {message}"
    entries = [
        "-" * 75,
        f"{name.split('.')[-1]}            Traceback (most recent call last)",
        "Cell In[1], line 1\n----> 1 work()\n",
        shown,
    ]
    output = {"ename": name, "evalue": printed or message, "traceback": entries}
    path = "/opt/lib/python3.11/"
    said = f"Cell In[1], line 1\n----> 1 work()\n{shown.replace(path, '')}"
    assert traceback_text(output) == said
    output["traceback"] = [shown]
    if not printed:
        assert traceback_text(output) == shown.replace(path, "")


def test_a_note_stays_below_its_message_and_repeated_messages_are_kept() -> None:
    cell = "Cell In[1], line 1\n----> 1 a()\n"
    output = {"ename": "E", "evalue": "v", "traceback": [cell, "E: v\na note"]}
    assert traceback_text(output).endswith("\n----> 1 a()\nE: v\na note")
    library = "File /x/site-packages/lib/a.py:3, in f()\n----> 3 x"
    during = "\nDuring handling of the above exception, another exception occurred:\n"
    chained = [cell, "E: v", during, cell, library, "lib.E: v"]
    text = traceback_text({"ename": "E", "evalue": "v", "traceback": chained})
    assert "… 1 frame in lib folded: lib/a.py:3 in f" in text
    assert text.endswith("\nlib.E: v")


# As IPython 9 and Python 3.11 print it to stderr.
_GROUP = """\
  + Exception Group Traceback (most recent call last):
  |   File "/lib/python3.11/site-packages/IPython/core/interactiveshell.py", line 3823, in run_code
  |     await eval(code_obj, self.user_global_ns, self.user_ns)
  |   File "/tmp/ipykernel_7/12.py", line 7, in <module>
  |     await main()
  |   File "/usr/lib/python3.11/asyncio/taskgroups.py", line 145, in __aexit__
  |     raise me from None
  | ExceptionGroup: unhandled errors in a TaskGroup (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "/tmp/ipykernel_7/12.py", line 3, in f
    |     json.loads("{")
    |     ^^^^^^^^^^^^^^^
    |   File "/usr/lib/python3.11/json/__init__.py", line 346, in loads
    |     return _default_decoder.decode(s)
    |            ^^^^^^^^^^^^^^^^^^^^^^^^^^
    |   File "/usr/lib/python3.11/json/decoder.py", line 337, in decode
    |     obj, end = self.raw_decode(s, idx=_w(s, 0).end())
    | json.decoder.JSONDecodeError: Expecting value
    +---------------- 2 ----------------
    | ValueError: a
    |   b
    +------------------------------------"""

_GROUP_SAID = """\
  + Exception Group Traceback (most recent call last):
  |   File "/tmp/ipykernel_7/12.py", line 7, in <module>
  |     await main()
  |   … 1 frame in asyncio folded: asyncio/taskgroups.py:145 in __aexit__
  | ExceptionGroup: unhandled errors in a TaskGroup (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "/tmp/ipykernel_7/12.py", line 3, in f
    |     json.loads("{")
    |     ^^^^^^^^^^^^^^^
    |   … 2 frames in json folded, last: json/decoder.py:337 in decode
    | json.decoder.JSONDecodeError: Expecting value
    +---------------- 2 ----------------
    | ValueError: a
    |   b
    +------------------------------------"""

_OPENED = "Traceback (most recent call last):\n"
_LIBRARY_FRAME = '  File "/usr/lib/python3.11/json/__init__.py", line 3, in loads\n    return x\n'
_USER_FRAME = '  File "a.py", line 1, in f\n    (x\n     | y)\n'
_FOLDED = "  … 1 frame in json folded: json/__init__.py:3 in loads\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(_GROUP, _GROUP_SAID, id="group"),
        pytest.param(f"started\n{_GROUP}\nended", f"started\n{_GROUP_SAID}\nended",
                     id="other lines around it"),
        pytest.param(f"ERROR:root:x\n{_OPENED}{_USER_FRAME}{_LIBRARY_FRAME}E: v\n{_LIBRARY_FRAME}",
                     f"ERROR:root:x\n{_OPENED}{_USER_FRAME}{_FOLDED}E: v\n{_LIBRARY_FRAME}",
                     id="logged"),
        pytest.param(f"{_OPENED}{_LIBRARY_FRAME}{_USER_FRAME}E",
                     f"{_OPENED}{_FOLDED}{_USER_FRAME}E", id="library first"),
        pytest.param(_OPENED + _LIBRARY_FRAME.rstrip(), _OPENED + _FOLDED.rstrip(), id="cut off"),
        pytest.param(_OPENED + _LIBRARY_FRAME + _OPENED, _OPENED + _FOLDED + _OPENED, id="two"),
        pytest.param(_LIBRARY_FRAME, _LIBRARY_FRAME, id="no traceback"),
        pytest.param("Traceback (most recent call last):", "Traceback (most recent call last):",
                     id="opening only"),
        pytest.param("", "", id="empty"),
    ],
)  # fmt: skip
def test_library_frames_are_folded_in_a_traceback_within_a_stream(text: str, said: str) -> None:
    assert without_library_frames(text) == said


def test_a_traceback_on_stderr_is_folded_but_printed_text_is_not() -> None:
    text = "Traceback (most recent call last):\n" + "".join(
        f'  File "/env/python3.11/site-packages/lib/{name}.py", line 1, in {name}\n    {name}()\n'
        for name in ("one", "two", "three")
    )
    text += "ValueError: told\n"
    stderr = block_of({"output_type": "stream", "name": "stderr", "text": text}, 1)
    stdout = block_of({"output_type": "stream", "name": "stdout", "text": text}, 1)
    assert "three()" not in stderr.text
    assert stderr.text.endswith("ValueError: told")
    assert stdout.text == text.strip("\n")


@pytest.mark.parametrize("piece", [_OPENED, _LIBRARY_FRAME, "  |", '  File "', "  + ", " ", "\n"])
def test_a_hostile_stream_is_folded_in_linear_time(piece: str) -> None:
    folded = without_library_frames(_OPENED + piece * (500_000 // len(piece)))
    assert isinstance(folded, str)


_lines = st.sampled_from(
    [
        *(line for o in TRACEBACKS.values() for e in o["traceback"] for line in e.split("\n")),
        "x" * 2000,
    ]
)


@given(st.lists(_lines, max_size=60), st.text(max_size=50), st.text(max_size=50))
def test_any_mix_of_lines_gives_a_text_with_the_error(
    lines: list[str], name: str, value: str
) -> None:
    output = {"ename": name, "evalue": value, "traceback": lines}
    text = traceback_text(output)
    assert text
    assert "\x1b" not in text
