"""For every Python test: the fixtures that other packages test with, and folders of its own."""

from __future__ import annotations

import os
import tempfile

import pytest

# pytest reads this variable in the root conftest only.
pytest_plugins = ("jmcp_lab.testing.pytest_plugin",)


def pytest_configure(config: pytest.Config) -> None:
    """Keep the tests out of the user's own Jupyter folders.

    pytest-jupyter does this for each test that starts a server; programs that a test starts by
    itself (the command line, a kernel) inherit the environment set here.
    """
    folder = tempfile.TemporaryDirectory(prefix="jmcp-lab-tests-", ignore_cleanup_errors=True)
    config.add_cleanup(folder.cleanup)
    for name in ("CONFIG", "DATA", "RUNTIME"):
        os.environ[f"JUPYTER_{name}_DIR"] = os.path.join(folder.name, name.lower())
    # Debuggers and the IPython history of one test have no business in the next one.
    os.environ["IPYTHONDIR"] = os.path.join(folder.name, "ipython")
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    late = str(config.rootpath / "tests" / "support" / "late")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [late, os.environ.get("PYTHONPATH")]))
