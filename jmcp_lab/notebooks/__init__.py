"""The live notebook: the Yjs document that the page is looking at, and edits to it by cell id."""
