"""A room and its file: when the room writes it, and how it merges what other programs write."""
