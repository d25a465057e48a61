"""Open documents: load and save each one, and share it with browser tabs and agents."""
