"""Configures the server that the browser tests run against."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from traitlets.config import Config

c: Config = get_config()  # type: ignore[name-defined]  # noqa: F821 - given by traitlets

c.ServerApp.ip = "127.0.0.1"
c.ServerApp.open_browser = False
# If the port is in use, the server must fail instead of choosing another one.
c.ServerApp.port_retries = 0
# Continuous integration often runs as root in a container.
c.ServerApp.allow_root = hasattr(os, "geteuid") and os.geteuid() == 0
# Gives the tests `window.jupyterapp`: commands, and the promise that the layout is restored.
c.LabApp.expose_app_in_browser = True
c.JupyterNotebookApp.expose_app_in_browser = True
# The extension manager and the news use the network, and the offer of news covers other elements.
c.LabApp.extension_manager = "readonly"
c.LabApp.news_url = None
# Written to the working directory by default.
c.SQLiteYStore.db_path = os.environ["JMCP_UI_YSTORE"]
# Errors of a kernel that is shut down must not be in the server's log.
sys.path.insert(0, str(Path(__file__).parent))
c.AsyncMappingKernelManager.kernel_manager_class = "kernel_log.LoggedKernelManager"
