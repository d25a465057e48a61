"""A room and its file: when it is written, and what other programs write there."""
