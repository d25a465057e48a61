"""The Yjs history of each document on disk: where it is, what it keeps, and for how long."""
