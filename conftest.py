"""Fixtures for every Python test: a real Jupyter server with this extension and live documents."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

import pytest
from traitlets.config import Config

if TYPE_CHECKING:
    from pathlib import Path

# pytest reads this variable in the root conftest only.
pytest_plugins = ("pytest_jupyter.jupyter_server",)


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


@pytest.fixture
def jp_server_config(tmp_path: Path) -> Config:
    """Load the extensions that an installed jmcp_lab brings."""
    return Config(
        {
            "ServerApp": {
                "jpserver_extensions": {
                    "jmcp_lab": True,
                    "jupyter_server_fileid": True,
                    "jupyter_server_ydoc": True,
                },
            },
            # The defaults are in the working directory, which here is the checkout.
            "SQLiteYStore": {"db_path": str(tmp_path / "ystore.db")},
            "BaseFileIdManager": {"db_path": str(tmp_path / "file_id_manager.db")},
        }
    )
