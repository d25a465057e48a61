"""Colours that can be told from the background."""

from __future__ import annotations

import pytest

from jmcp_lab.agents.agent import COLORS


def luminance(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("background", ["#ffffff", "#111111"])
@pytest.mark.parametrize("color", COLORS)
def test_a_color_stands_out_in_light_and_dark(color: str, background: str) -> None:
    low, high = sorted((luminance(color), luminance(background)))
    assert (high + 0.05) / (low + 0.05) >= 3
