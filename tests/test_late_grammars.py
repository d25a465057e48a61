"""Tests that the package that the tests import late answers where somebody asks."""

from __future__ import annotations

import subprocess
import sys

CHECK = r"""
import sys
from jsonschema import FormatChecker

assert "rfc3987_syntax.syntax_helpers" not in sys.modules, "it was imported at once"
for text, form, valid in (
    ("http://h\u00e9.example/a", "iri", True),
    ("no address", "iri", False),
    ("/a", "iri-reference", True),
    ("\\\\", "iri-reference", False),
):
    assert FormatChecker().conforms(text, form) is valid, (text, form)
"""


def test_addresses_are_checked_by_the_package_itself() -> None:
    subprocess.run([sys.executable, "-c", CHECK], check=True)
