"""MCP on the Jupyter server's own port."""
