from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
import warnings
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_server.utils import JupyterServerAuthWarning

import jmcp_lab

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_server.serverapp import ServerApp

ROOT = Path(__file__).parent.parent


def test_both_halves_have_the_version_of_package_json() -> None:
    version = json.loads((ROOT / "package.json").read_text())["version"]
    assert jmcp_lab.__version__ == version
    assert metadata.version("jmcp_lab") == version


def test_an_installation_enables_the_server_extension() -> None:
    files = [file for file in metadata.files("jmcp_lab") or [] if file.name == "jmcp_lab.json"]
    assert len(files) == 1
    config = json.loads(files[0].read_text())
    assert config["ServerApp"]["jpserver_extensions"] == {"jmcp_lab": True}


def test_every_package_that_is_imported_is_a_named_dependency() -> None:
    # What only comes with another package goes when that one no longer needs it.
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = {
        re.split(r"[^\w.-]", each)[0].lower().replace("-", "_") for each in project["dependencies"]
    }
    named.add("jupyter_server_fileid")  # Its files are followed where it is; nothing needs it.
    for_tests = {
        re.split(r"[^\w.-]", each)[0].lower().replace("-", "_")
        for each in project["optional-dependencies"]["testing"]
    }
    made_of = metadata.packages_distributions()
    unnamed = {}
    for file in (ROOT / "jmcp_lab").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level and node.module:
                names = [node.module]
            for name in {each.partition(".")[0] for each in names} - sys.stdlib_module_names:
                packages = {each.lower().replace("-", "_") for each in made_of.get(name, [name])}
                known = named | for_tests if file.parent.name == "testing" else named
                if name != "jmcp_lab" and not packages & known:
                    unnamed[name] = file.relative_to(ROOT).as_posix()
    assert unnamed == {}


def test_every_endpoint_states_its_authentication(
    jp_configurable_serverapp: Callable[..., ServerApp],
) -> None:
    # Jupyter Server warns of each handler method without an authentication decorator.
    with warnings.catch_warnings(record=True) as records:
        warnings.simplefilter("always")
        server = jp_configurable_serverapp()
    assert "jmcp_lab" in server.extension_manager.extension_apps
    bare = [
        line
        for record in records
        if issubclass(record.category, JupyterServerAuthWarning)
        for line in str(record.message).splitlines()[1:]
        if "TermSocket" not in line  # jupyter-server-terminals 0.5.4 checks by itself
    ]
    assert bare == []


def test_loading_the_extension_does_not_import_the_mcp_sdk() -> None:
    # It costs half a second and 34 MB, and must not break the start of JupyterLab.
    code = "import sys, jmcp_lab.extension; print('mcp' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "False"
