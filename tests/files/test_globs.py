from __future__ import annotations

import fnmatch
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jmcp_lab.files.globs import glob

ODD = st.text("ab[]!-*?{}^&~|\\.é", max_size=30)


@given(ODD, st.text("ab[]!-.{}é", max_size=20))
def test_a_glob_for_a_name_works_as_in_the_standard_library(pattern: str, name: str) -> None:
    assert glob(pattern)(name) == fnmatch.fnmatchcase(name, pattern)


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("*.csv", "a/b/c.csv", True),
        ("a/*.csv", "a/c.csv", True),
        ("a/*.csv", "b/c.csv", False),
        ("**/c.csv", "c.csv", True),
        ("**/c.csv", "a/b/c.csv", True),
        ("**/c.csv", "a/xc.csv", False),
        ("a/**/c.csv", "a/c.csv", True),
        ("a/**/**/c.csv", "a/b/c.csv", True),
        ("caf\u00e9.txt", "x/cafe\u0301.txt", True),
    ],
)
def test_a_glob_with_a_slash_applies_to_the_path(pattern: str, path: str, fits: bool) -> None:
    assert glob(pattern)(path) is fits


@pytest.mark.parametrize(
    "pattern",
    [
        *("[" * 500, "a*" * 250, "*a" * 250 + "b", "**/" * 166, "**/a/" * 100, "{a,b}" * 100),
        *("[!" * 250, "?*" * 250, "[a-z]*" * 83, "a" * 249 + "*" + "b" * 249, "(a+)+" * 100),
    ],
)
def test_the_worst_globs_do_not_take_exponential_time(pattern: str) -> None:
    fits = glob(pattern)
    started = time.thread_time()
    for path in ("a" * 255, "a/" * 2000, "[" * 255, "**/" * 1000):
        fits(path)
    assert time.thread_time() - started < 2
