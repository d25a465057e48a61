"""What tests of tools need: a server, agents that call them, and a person who answers.

A test suite asks for it in its root ``conftest.py``::

    pytest_plugins = ("jmcp_lab.testing.pytest_plugin",)

Nothing that runs in a server imports this package.
"""
