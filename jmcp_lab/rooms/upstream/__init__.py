"""Patches to jupyter-server-ydoc: its rooms, its file loader and its store."""
