"""The pytest plugin: fixtures for a real Jupyter server with jmcp_lab, its agents and its person.

It is not loaded by itself (there is no ``pytest11`` entry point): who has jmcp_lab installed does
not want every run of pytest to import a Jupyter server. pytest-jupyter comes first, because of two
fixtures with one name pytest takes the one that was registered last.
"""

from __future__ import annotations

pytest_plugins = ("pytest_jupyter.jupyter_server", "jmcp_lab.testing.fixtures")
