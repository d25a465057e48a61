"""Provides pytest fixtures for a real Jupyter server with jmcp_lab, with agents and a person.

Pytest does not load this plugin automatically: there is no ``pytest11`` entry point, because not
every run of pytest should import a Jupyter server wherever jmcp_lab is installed. pytest-jupyter
comes first, because pytest uses the fixture that was registered last if two have the same name.
"""

from __future__ import annotations

pytest_plugins = ("pytest_jupyter.jupyter_server", "jmcp_lab.testing.fixtures")
