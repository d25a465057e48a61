"""Finds, checks and runs tools of other Python packages, within the same bounds as our own."""
