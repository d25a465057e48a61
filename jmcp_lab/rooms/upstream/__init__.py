"""Where jupyter-server-ydoc is changed: its rooms, its file loader and its store."""
