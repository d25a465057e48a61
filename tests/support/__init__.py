"""Provides what tests share: servers, pages, other programs and simulated people."""
