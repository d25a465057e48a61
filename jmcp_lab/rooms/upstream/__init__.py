"""Patches to jupyter-server-ydoc: its rooms, its file loader and the interface of its store."""
