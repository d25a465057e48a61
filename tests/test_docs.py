"""The docs say what is true of the tree: tables, map, links, words, and the tool that they show."""

from __future__ import annotations

import json
import re
import runpy
import tomllib
import unicodedata
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from jmcp_lab.extension import JmcpLab

from .support.robots import Robot

ROOT = Path(__file__).parents[1]
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "update_readme.py"))
TABLES: list[tuple[str, str, Callable[[], str]]] = SCRIPT["TABLES"]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
NAMED_FILE = re.compile(r"(?<![\w/.*-])(?:[\w.-]+/)+[\w.-]*\w|(?<![\w/.*-])(?:[\w.-]+/)+")
"""A file or a folder, as a page names it: with a slash in it."""

MADE_BY_READERS = {"jmcp_lab/tools/count.py", "tests/tools/test_count.py"}

ENDINGS = (".py", ".ts", ".tsx", ".css", ".md", ".toml", ".sh", ".json", "/")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def rows(text: str) -> list[list[str]]:
    """Return the cells of all table rows in a text, without heads."""
    found = [re.split(r"\s+\|\s+", line.strip().strip("|").strip()) for line in text.splitlines()]
    return [cells for cells in found if len(cells) > 1 and not set("".join(cells)) <= set("-: ")]


# -- tables and maps -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "name", "table"), [pytest.param(*each, id=each[1]) for each in TABLES]
)
def test_a_table_in_the_docs_matches_the_code(
    file: str, name: str, table: Callable[[], str]
) -> None:
    if name == "clients" and not (ROOT / "node_modules" / "typescript").exists():
        pytest.skip("the snippets of the clients are TypeScript, and `jlpm install` was not run")
    written = SCRIPT["written"](read(file), name)
    assert written.count("\n") > 3
    assert written == table(), "run `python scripts/update_readme.py`"


def folders_in_map() -> list[str]:
    found = [cells[0] for cells in rows(read("docs/architecture.md"))]
    return [name.strip("`") for name in found if re.fullmatch(r"`[\w./-]+/`", name)]


def test_the_map_has_one_sentence_for_each_folder() -> None:
    ignored = [line.strip("/") for line in read(".gitignore").splitlines()]
    top = {
        f"{folder.name}/"
        for folder in ROOT.iterdir()
        if folder.is_dir()
        and (not folder.name.startswith(".") or folder.name in (".ci", ".github"))
        and not any(fnmatch(folder.name, pattern) for pattern in ignored)
    }
    page = {
        f"{folder.relative_to(ROOT).as_posix()}/"
        for folder in (ROOT / "src").rglob("*")
        if folder.is_dir() and any(child.is_file() for child in folder.iterdir())
    }
    server = {
        f"{file.parent.relative_to(ROOT).as_posix()}/"
        for file in (ROOT / "jmcp_lab").rglob("__init__.py")
        if "labextension" not in file.parts
    }
    assert sorted(folders_in_map()) == sorted((top - {"src/"}) | page | server)


@pytest.mark.parametrize("page", ["architecture", "extending"])
def test_a_page_names_only_existing_files(page: str) -> None:
    text = re.sub(r"```(?:bash|python|tsx)\n.*?```", "", read(f"docs/{page}.md"), flags=re.DOTALL)
    named = {name for name in NAMED_FILE.findall(text) if name.endswith(ENDINGS)}
    named |= set(re.findall(r"`([\w.-]+\.(?:py|tsx?|toml|md))`", text))
    homes = [ROOT, ROOT / "jmcp_lab", ROOT / "src", ROOT / "docs", ROOT / "src/panel/components"]
    known = MADE_BY_READERS
    missing = {name for name in named if not any((home / name).exists() for home in homes)}
    assert missing - known == set()
    assert len(named) > 3


# -- links ---------------------------------------------------------------------------------------


def anchors(text: str) -> set[str]:
    """Return what a code host calls the headings of a page."""
    plain = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    found = set()
    for heading in re.findall(r"^#+ (.+)$", plain, re.MULTILINE):
        kept = [c for c in heading.lower() if c in " -_" or unicodedata.category(c)[0] in "LN"]
        found.add("".join(kept).replace(" ", "-"))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_within_the_repository_leads_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, anchor = link.partition("#")
        if ":" in path:
            continue
        target = (page.parent / path) if path else page
        if not target.exists():
            broken.append(link)
        elif anchor and anchor not in anchors(target.read_text(encoding="utf-8")):
            broken.append(link)
    assert broken == []


# -- words ---------------------------------------------------------------------------------------


def sources(folder: str, *endings: str) -> list[str]:
    files = [file for end in endings for file in sorted((ROOT / folder).rglob(f"*{end}"))]
    files = [file for file in files if "__tests__" not in file.parts]
    return [file.read_text(encoding="utf-8") for file in files]


def panel_words() -> list[str]:
    """Return every text that the page has translated, and so shows to a person."""
    quoted = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`"
    call = re.compile(rf"\.(?:__|_n|_p|_np)\(\s*((?:(?:{quoted})[\s,+]*)+)")
    found = [
        text
        for source in sources("src", ".ts", ".tsx")
        for texts in call.findall(source)
        for text in re.findall(quoted, texts)
    ]
    return found + [read(str(file.relative_to(ROOT))) for file in ROOT.glob("schema/*.json")]


def glossary() -> list[list[str]]:
    return rows(read("docs/glossary.md"))[1:]


def test_each_word_of_the_glossary_is_used_in_the_code() -> None:
    code = "\n".join([*sources("jmcp_lab", ".py"), *sources("src", ".ts", ".tsx")])
    named = [re.findall(r"`([^`]+)`", line[2])[0] for line in glossary()]
    assert len(named) > 20
    assert [name for name in named if not re.search(rf"\b{re.escape(name)}\b", code)] == []


def test_the_panel_uses_the_words_of_the_glossary() -> None:
    shown = panel_words()
    assert len(shown) > 200
    banned = [word.strip() for line in glossary() if len(line) > 3 for word in line[3].split(",")]
    banned = [word for word in banned if word]
    assert "take back" in banned
    for word in banned:
        found = [text for text in shown if re.search(rf"\b{word}s?\b", text, re.IGNORECASE)]
        assert found == [], f"the glossary has another word for '{word}'"


# -- the tool of docs/extending.md ---------------------------------------------------------------


def code_blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", read(page), re.DOTALL)


def run_as(module: str, code: str) -> dict[str, Any]:
    """Run code as a module of a package that is there, and return its names."""
    names: dict[str, Any] = {"__name__": module, "__package__": module.rpartition(".")[0]}
    exec(compile(code, module, "exec"), names)
    return names


async def test_the_tool_in_the_docs_works_and_so_does_its_test(
    app: JmcpLab, robot: Robot, root: Path
) -> None:
    tool, test = code_blocks("docs/extending.md")[:2]
    made = run_as("jmcp_lab.tools.count", tool)["notebook_length"]
    app.dispatcher.tools = {**app.dispatcher.tools, made.name: made}
    checks = run_as("tests.tools.test_count", test)
    await checks["test_words_are_counted"](robot, root)


# -- what others read ----------------------------------------------------------------------------


def test_the_changelog_begins_with_the_version_of_the_package() -> None:
    first = re.findall(r"^## (\d+)\.(\d+)\.(\d+)$", read("CHANGELOG.md"), re.MULTILINE)[0]
    version = json.loads(read("package.json"))["version"].split(".")
    assert [int(part) for part in first] >= [int(part) for part in version]


def test_once_the_repository_has_an_address_every_readme_link_uses_it() -> None:
    package = json.loads(read("package.json"))
    given = [name for name in ("homepage", "bugs", "repository") if name in package]
    assert given in ([], ["homepage", "bugs", "repository"])
    links = re.findall(r"\]\(([^)\s]+)\)", read("README.md"))
    assert links
    if given:
        assert [link for link in links if not link.startswith(("https://", "#"))] == []


def test_the_classifiers_name_each_python_from_the_oldest_on() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    named = re.findall(r"Python :: 3\.(\d+)", "\n".join(project["classifiers"]))
    assert [int(minor) for minor in named] == list(range(11, 15))
    assert project["requires-python"] == f">=3.{named[0]}"
