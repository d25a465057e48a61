"""Compare, merge, clean and search texts, without any knowledge of Jupyter or Yjs."""
