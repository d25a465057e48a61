"""Runs: what is queued for a kernel, how it goes on, and how it ends."""
