"""A room's connections to its pages: join them, merge returning ones, and rescue late edits."""
