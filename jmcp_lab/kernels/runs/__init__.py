"""Runs: queue code for a kernel, follow its progress, and determine how it ends."""
