from __future__ import annotations

import base64
import io
import os
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from jmcp_lab.agents.modes import ASK, AUTO, EDIT, LOOK, Mode
from jmcp_lab.calls.call import ImagePart
from jmcp_lab.errors import InvalidArgumentError

from ..support.robots import MakeRobot, Robot, write_notebook


async def write(robot: Robot, path: str, **what: Any) -> str:
    """Change a file that is there; the person allows it."""
    reply = await robot.run("write_file", path=path, **what)
    assert not reply.is_error, reply.text
    return reply.text


# -- reading -----------------------------------------------------------------------------------


async def test_a_text_file_is_read_by_lines(robot: Robot, root: Path) -> None:
    (root / "a.txt").write_text("\n".join(f"line {n}" for n in range(1, 11)))
    said = await robot.say("read_file", path="a.txt", offset=4, limit=2)
    assert said == (
        "a.txt · lines 4 to 5 of 10\n[text]\nline 4\nline 5\n[/text]\n"
        "… continue with read_file(path='a.txt', offset=6, limit=2)."
    )
    said = await robot.say("read_file", path="a.txt", offset=9)
    assert said == "a.txt · lines 9 to 10 of 10\n[text]\nline 9\nline 10\n[/text]"
    assert "has only 10 lines" in await robot.fail("read_file", path="a.txt", offset=11)


async def test_paging_a_big_file_shows_every_line_once(robot: Robot, root: Path) -> None:
    (root / "big.txt").write_text("".join(f"row {n} {'x' * 100}\n" for n in range(1000)))
    rows: list[str] = []
    offset = 1
    while True:
        said = await robot.say("read_file", path="big.txt", offset=offset)
        assert len(said) <= robot.app.services.limits.text
        lines = said.splitlines()[1:]
        rows += [line.split(" x")[0] for line in lines if line.startswith("row")]
        if "continue with" not in lines[-1]:
            break
        offset = int(lines[-1].partition("offset=")[2].partition(")")[0])
    assert rows == [f"row {n}" for n in range(1000)]


async def test_a_very_long_line_is_cut_and_an_empty_file_is_no_error(
    robot: Robot, root: Path
) -> None:
    (root / "wide.txt").write_text("x" * 100_000)
    assert len(await robot.say("read_file", path="wide.txt")) < 3000
    (root / "empty.txt").write_text("")
    assert await robot.say("read_file", path="empty.txt") == "empty.txt · empty"


async def test_an_image_is_sent_as_an_image(robot: Robot, root: Path) -> None:
    Image.new("RGB", (300, 200), "red").save(root / "red.png")
    reply = await robot.call("read_file", path="red.png")
    assert not reply.is_error, reply.text
    (image,) = [part for part in reply.parts if isinstance(part, ImagePart)]
    assert image.mime_type == "image/png"
    assert Image.open(io.BytesIO(base64.b64decode(image.data))).size == (300, 200)
    assert "300x200" in reply.text


async def test_a_broken_image_is_an_error_with_a_message(robot: Robot, root: Path) -> None:
    (root / "no.png").write_bytes(b"\x89PNG but not really \xff\xfe")
    assert "cannot be shown" in await robot.fail("read_file", path="no.png")


@pytest.mark.parametrize("content", [b"caf\xe9 \xff", b"\x00\x01\x80\x81"])
async def test_a_file_that_is_not_utf8_text_says_so(
    robot: Robot, root: Path, content: bytes
) -> None:
    (root / "latin.txt").write_bytes(content)
    said = await robot.fail("read_file", path="latin.txt")
    assert said == "'latin.txt' is not UTF-8 text."
    assert "not UTF-8" in await robot.fail("write_file", path="latin.txt", content="x")
    assert (root / "latin.txt").read_bytes() == content


async def test_a_huge_file_is_not_read(robot: Robot, root: Path) -> None:
    with (root / "huge.bin").open("wb") as file:
        file.truncate(5_000_000_000)
    said = await robot.fail("read_file", path="huge.bin")
    assert "5,000,000,000 bytes" in said
    assert "in a kernel" in said


async def test_what_is_not_a_regular_file_is_refused(robot: Robot, root: Path) -> None:
    os.mkfifo(root / "pipe")
    assert "'pipe'" in await robot.fail("read_file", path="pipe")
    (root / "folder").mkdir()
    assert "is a folder; list_files" in await robot.fail("read_file", path="folder")
    assert "There is no file 'none.txt'" in await robot.fail("read_file", path="none.txt")


@pytest.mark.parametrize("tool", ["read_file", "write_file"])
async def test_a_notebook_is_read_and_written_by_its_cells(
    robot: Robot, root: Path, tool: str
) -> None:
    write_notebook(root, "a.ipynb", "x")
    before = (root / "a.ipynb").read_text()
    more = {"content": "{}"} if tool == "write_file" else {}
    said = await robot.fail(tool, path="a.ipynb", **more)
    assert "is a notebook" in said
    assert "read_cells" in said
    assert "overwrite_cell_source" in said
    assert (root / "a.ipynb").read_text() == before


# -- paths -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        *("../x.txt", "a/../../x.txt", "/etc/passwd", "..\\x.txt", "C:\\x.txt", "\\\\host\\share"),
        *("a\0b", "x" * 5000, "~/x.txt", "a.txt.", "link.txt", "folder/secret.txt", ".hidden"),
    ],
)
@pytest.mark.parametrize("tool", ["read_file", "write_file"])
async def test_a_path_out_of_the_root_or_hidden_is_refused(
    robot: Robot, root: Path, tmp_path: Path, tool: str, path: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("secret")
    (root / "link.txt").symlink_to(outside / "secret.txt")
    (root / "folder").symlink_to(outside)
    (root / ".hidden").write_text("secret")
    more = {"content": "changed"} if tool == "write_file" else {}
    said = await robot.fail(tool, path=path, **more)
    assert str(tmp_path) not in said
    assert (outside / "secret.txt").read_text() == "secret"
    assert (root / ".hidden").read_text() == "secret"


async def test_a_file_that_may_hold_secrets_is_read_only_after_asking(
    robot: Robot, root: Path
) -> None:
    (root / "server.key").write_text("PRIVATE")
    task = robot.start("read_file", path="server.key")
    call = await robot.request()
    assert call.summary == "Read server.key, which may hold secrets"
    await robot.deny()
    reply = await task
    assert reply.is_error
    assert "PRIVATE" not in reply.text
    (root / "other.PEM").write_text("PRIVATE")
    reply = await robot.run("read_file", path="other.PEM")
    assert "PRIVATE" in reply.text


@pytest.mark.parametrize("path", ["server.key", "id_rsa", "sitecustomize.py", "evil.PTH"])
@pytest.mark.parametrize("mode", [EDIT, AUTO])
async def test_a_protected_file_is_never_written(
    make_robot: MakeRobot, root: Path, path: str, mode: Mode
) -> None:
    rights = {"notebooks": ["**"], "until": "stop"} if mode is AUTO else {}
    if mode is AUTO:
        rights["notebooks"] = ["a/*.ipynb"]
    robot = make_robot(mode, **rights)
    assert "is protected" in await robot.fail("write_file", path=path, content="x")
    assert not (root / path).exists()


@pytest.mark.parametrize(
    "path",
    [
        "venv/lib/python3.13/site-packages/numpy_helper.py",
        "env/etc/jupyter/jupyter_server_config.d/x.json",
        "env/etc/ipython/startup.py",
        "env/share/jupyter/kernels/x/kernel.json",
        "Jupyter_Server_Config.py",
        "conf/ipython_kernel_config.py",
    ],
)
async def test_files_that_python_or_jupyter_run_are_readable_and_never_written(
    robot: Robot, root: Path, path: str
) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    assert "is protected" in await robot.fail("write_file", path=path, content="x")
    assert not (root / path).exists()
    (root / path).write_text("there")
    assert "there" in await robot.say("read_file", path=path)
    edits = [{"old": "there", "new": "x"}]
    assert "is protected" in await robot.fail("write_file", path=path, edits=edits)


# -- writing -----------------------------------------------------------------------------------


async def test_a_new_file_is_created_without_asking_and_an_overwrite_asks(
    robot: Robot, root: Path
) -> None:
    said = await robot.say("write_file", path="new.py", content="a = 1\nb = 2\n")
    assert said == "Created new.py (2 lines)."
    task = robot.start("write_file", path="new.py", content="a = 1\nb = 3\n")
    call = await robot.request()
    assert call.action is not None
    assert call.action.preview is not None
    (item,) = call.action.preview.items
    assert (item.old, item.new) == ("a = 1\nb = 2\n", "a = 1\nb = 3\n")
    await robot.deny()
    assert (await task).is_error
    assert (root / "new.py").read_text() == "a = 1\nb = 2\n"


async def test_exact_edits_must_each_match_once(robot: Robot, root: Path) -> None:
    (root / "a.py").write_text("x = 1\ny = 1\n")
    said = await robot.fail("write_file", path="a.py", edits=[{"old": "= 1", "new": "= 2"}])
    assert "occurs 2 times in 'a.py'" in said
    edits = [{"old": "x = 1", "new": "x = 5"}, {"old": "absent", "new": ""}]
    said = await robot.fail("write_file", path="a.py", edits=edits)
    assert "Edit 2 of 2" in said
    assert (root / "a.py").read_text() == "x = 1\ny = 1\n"
    assert "+1 -1 lines" in await write(robot, "a.py", edits=[{"old": "y = 1", "new": "y = 2"}])
    assert (root / "a.py").read_text() == "x = 1\ny = 2\n"


async def test_exactly_one_of_content_and_edits_is_required(robot: Robot, root: Path) -> None:
    assert "either content or edits" in await robot.fail("write_file", path="a.py")
    both = {"content": "x", "edits": [{"old": "a", "new": "b"}]}
    assert "either content or edits" in await robot.fail("write_file", path="a.py", **both)
    said = await robot.fail("write_file", path="a.py", edits=[{"old": "a", "new": "b"}])
    assert "give content to create it" in said


async def test_changes_on_disk_since_the_read_are_merged(robot: Robot, root: Path) -> None:
    file = root / "a.txt"
    file.write_text("one\ntwo\nthree\nfour\n")
    await robot.say("read_file", path="a.txt")
    file.write_text("ONE\ntwo\nthree\nfour\n")
    await write(robot, "a.txt", content="one\ntwo\nthree\nFOUR\n")
    assert file.read_text() == "ONE\ntwo\nthree\nFOUR\n"


@pytest.mark.parametrize("glimpse", ["content", "edits", "read_file"])
async def test_changes_on_disk_that_the_agent_has_not_seen_are_kept(
    robot: Robot, root: Path, glimpse: str
) -> None:
    file = root / "a.txt"
    file.write_text("one\ntwo\nthree\nfour\n")
    await robot.say("read_file", path="a.txt")
    file.write_text("one\ntwo\nthree\nfour, theirs\n")
    if glimpse == "read_file":
        assert "theirs" not in await robot.say("read_file", path="a.txt", limit=2)
    else:
        change = {"content": "1\ntwo\nthree\nfour\n", "edits": [{"old": "one", "new": "1"}]}
        said = await write(robot, "a.txt", **{glimpse: change[glimpse]})
        assert "those changes are kept" in said
    await write(robot, "a.txt", content="1\n2\nthree\nfour\n")
    assert file.read_text() == "1\n2\nthree\nfour, theirs\n"


async def test_the_same_line_changed_on_disk_is_a_conflict_and_nothing_is_written(
    robot: Robot, root: Path
) -> None:
    file = root / "a.txt"
    file.write_text("one\ntwo\n")
    await robot.say("read_file", path="a.txt")
    file.write_text("theirs\ntwo\n")
    said = await robot.fail("write_file", path="a.txt", content="mine\ntwo\n")
    assert "at a line that you also change (line 1)" in said
    # Until it has read the file it does not know what it would overwrite.
    await robot.fail("write_file", path="a.txt", content="mine\ntwo\n")
    assert file.read_text() == "theirs\ntwo\n"
    await robot.say("read_file", path="a.txt")
    await write(robot, "a.txt", content="mine, theirs\ntwo\n")
    assert file.read_text() == "mine, theirs\ntwo\n"


async def test_a_file_that_changes_while_the_person_decides_is_not_overwritten(
    robot: Robot, root: Path
) -> None:
    file = root / "a.txt"
    file.write_text("one\n")
    task = robot.start("write_file", path="a.txt", content="mine\n")
    await robot.request()
    file.write_text("theirs\n")
    await robot.allow()
    reply = await task
    assert reply.is_error
    assert "changed on disk in the meantime" in reply.text
    assert file.read_text() == "theirs\n"


@pytest.mark.parametrize("mode", [LOOK, ASK])
async def test_creating_a_file_needs_the_right_mode(
    make_robot: MakeRobot, root: Path, mode: Mode
) -> None:
    robot = make_robot(mode)
    if mode is LOOK:
        said = await robot.fail("write_file", path="a.txt", content="x")
        assert "does not allow creating files" in said
        assert not (root / "a.txt").exists()
    else:
        assert not (await robot.run("write_file", path="a.txt", content="x")).is_error
        assert (root / "a.txt").read_text() == "x"


async def test_an_uncheckably_large_write_does_not_block_the_event_loop(
    robot: Robot, root: Path
) -> None:
    (root / "long.txt").write_text("\n" * 6_000_000)
    started = time.thread_time()
    said = await robot.fail("write_file", path="long.txt", content="\n".join(["x"] * 100_000))
    assert "too long for the user to check" in said
    # Comparing the lines of both took some seconds.
    assert time.thread_time() - started < 0.7


async def test_a_merge_of_too_many_lines_is_refused_before_it_uses_too_much_memory(
    robot: Robot, root: Path
) -> None:
    (root / "breaks.txt").write_text("\n" * 600_000)
    await robot.say("read_file", path="breaks.txt")
    robot.app.services.snapshots.note(robot.agent.id, "breaks.txt", "file", "x" + "\n" * 600_000)
    said = await robot.fail("write_file", path="breaks.txt", content="new\n")
    assert "too long to merge" in said
    assert (root / "breaks.txt").read_text() == "\n" * 600_000


async def test_the_number_of_edits_in_one_call_is_limited(robot: Robot, root: Path) -> None:
    (root / "a.txt").write_text("a\n")
    edits = [{"old": "a" * (n == 0) or "b" * n, "new": "b" * (n + 1)} for n in range(1001)]
    with pytest.raises(InvalidArgumentError, match="at most 1000"):
        await robot.call("write_file", path="a.txt", edits=edits)
    assert (root / "a.txt").read_text() == "a\n"
