"""Tools that count words, as an example of a package that brings tools to jmcp_lab."""
