"""Fixtures for all tests: a server with this extension, agents that call it, pages that look."""

from __future__ import annotations

import pytest

from .support.robots import app, make_robot, open_page, robot, root

__all__ = ["app", "make_robot", "open_page", "robot", "root"]


@pytest.fixture
def jp_nbconvert_templates() -> None:
    """Copy no templates of nbconvert into the folder of each server: none converts a notebook."""
