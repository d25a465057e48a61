"""The tools that agents can call. No module in this package imports the MCP SDK."""
