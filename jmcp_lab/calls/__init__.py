"""Calls: what agents ask for, from the first byte to the reply."""
