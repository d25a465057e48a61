"""Outputs of running code, from memory into the shared document."""
