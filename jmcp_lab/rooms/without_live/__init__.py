"""Notebooks on servers without live documents: each is a document over its file."""
