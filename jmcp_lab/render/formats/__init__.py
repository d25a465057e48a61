"""Formats of which a reply says a summary: interactive figures and data frames."""
