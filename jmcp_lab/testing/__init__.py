"""Provides a server, agents that call tools, and a person who answers, for tests of tools.

A test suite loads it in its root ``conftest.py``::

    pytest_plugins = ("jmcp_lab.testing.pytest_plugin",)

The server itself never imports this package.
"""
