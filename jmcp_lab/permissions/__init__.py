"""Permissions: whether an action may happen, and who decides."""
