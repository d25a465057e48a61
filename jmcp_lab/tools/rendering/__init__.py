"""How each kind of output becomes text or an image; `jmcp_lab.tools.render` puts them together."""
