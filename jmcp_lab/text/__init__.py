"""Texts: comparing, merging, cleaning and searching them. Nothing here knows Jupyter or Yjs."""
