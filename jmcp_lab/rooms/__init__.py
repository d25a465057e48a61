"""Rooms: which documents are open, and how each is loaded, saved, and shared with pages."""
