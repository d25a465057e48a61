"""Provides the version of this package."""

from __future__ import annotations

try:
    from ._version import __version__ as __version__
except ImportError:  # pragma: no cover - a checkout that was never built or installed
    __version__ = "0.0.0.dev0"
