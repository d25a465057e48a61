"""Kernels: sessions shared with the page, and runs that outlive calls."""
