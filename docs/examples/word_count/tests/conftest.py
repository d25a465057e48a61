"""A real server with jmcp_lab, an agent that calls the tools, and a person who answers."""

pytest_plugins = ("jmcp_lab.testing.pytest_plugin",)
