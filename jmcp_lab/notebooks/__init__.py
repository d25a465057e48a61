"""Notebooks: the live Yjs document that the page is looking at."""
