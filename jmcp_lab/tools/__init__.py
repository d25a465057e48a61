"""Tools: what an agent can call. No module here knows the MCP SDK."""
