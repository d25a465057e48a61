"""Fixtures for all tests: a server with this extension, agents that call it, pages that look."""

from __future__ import annotations

from .support.robots import app, make_robot, open_page, robot, root

__all__ = ["app", "make_robot", "open_page", "robot", "root"]
