"""The versions of a file that its document was synced with: how much memory they take."""

from __future__ import annotations

import secrets
import tracemalloc
from types import SimpleNamespace
from typing import Any, cast

import pytest

from jmcp_lab.rooms.content_versions import TextVersion
from jmcp_lab.rooms.kinds import TextKind
from jmcp_lab.rooms.saving import synced_versions
from jmcp_lab.rooms.saving.synced_versions import MAX_VERSIONS, SyncedVersions

KIND = TextKind(cast("Any", SimpleNamespace()))


def test_only_the_latest_versions_are_known() -> None:
    versions = SyncedVersions()
    for number in range(MAX_VERSIONS + 5):
        versions.add(f"hash{number}", TextVersion(f"text {number}"))
    assert versions.get("hash4", KIND) is None
    for number in range(5, MAX_VERSIONS + 5):
        assert versions.get(f"hash{number}", KIND) == TextVersion(f"text {number}")


def test_a_version_seen_again_becomes_the_latest() -> None:
    versions = SyncedVersions()
    for name in ("first", *(f"hash{n}" for n in range(MAX_VERSIONS - 1)), "first", "one more"):
        versions.add(name, TextVersion(name))
    assert versions.get("first", KIND) == TextVersion("first")
    assert versions.get("hash0", KIND) is None


def test_versions_of_a_large_text_take_limited_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(synced_versions, "MAX_VERSIONS_BYTES", 1_000_000)
    versions = SyncedVersions()
    tracemalloc.start()
    try:
        for number in range(40):
            # It does not become small where it is packed.
            versions.add(f"hash{number}", TextVersion("\U0001f600" + secrets.token_hex(100_000)))
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The latest is whole, in four bytes a character.
    assert taken < 1_000_000 + 2 * 800_000
    assert versions.get("hash39", KIND) is not None
    assert versions.get("hash38", KIND) is not None
    assert versions.get("hash0", KIND) is None
