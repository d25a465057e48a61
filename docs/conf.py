"""How the site is built: `sphinx-build -W --keep-going -n docs docs/_build`."""

from __future__ import annotations

import json
from pathlib import Path

_package = json.loads((Path(__file__).parents[1] / "package.json").read_text(encoding="utf-8"))

project = "jmcp_lab"
author = _package["author"]
project_copyright = author
version = release = _package["version"]

extensions = ["myst_parser", "sphinx_copybutton", "sphinxcontrib.mermaid"]
exclude_patterns = ["_build", "examples"]
language = "en"

myst_enable_extensions = ["colon_fence"]
# A code host draws a fence of the name `mermaid`, so that is how diagrams are written.
myst_fence_as_directive = ["mermaid"]
myst_heading_anchors = 3

html_theme = "pydata_sphinx_theme"
html_title = f"jmcp_lab {release}"
html_logo = "../style/icons/agents.svg"
html_theme_options = {
    "logo": {"text": "jmcp_lab"},
    "show_prev_next": False,
    # All pages are in the sidebar: they are few.
    "navbar_center": [],
}
html_sidebars = {"**": ["globaltoc.html"]}
html_context = {"default_mode": "auto"}
# The source of a page is Markdown in the repository.
html_copy_source = False
