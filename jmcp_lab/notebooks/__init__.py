"""The live notebook: the Yjs document that pages show, and edits to its cells by id."""
