"""Notebooks on servers without live documents: each has a private document over its file."""
