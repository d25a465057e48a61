"""What is installed with this package may be used under its licence, BSD-3-Clause."""

from __future__ import annotations

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement

COPYLEFT = re.compile(r"(?<!L)\bA?GPL|(?<!Lesser )General Public License", re.IGNORECASE)


def installed_with(name: str) -> dict[str, Distribution]:
    """Return all that is installed with a package, without its extras, by name."""
    found: dict[str, Distribution] = {}
    waiting = [(name, frozenset[str]())]
    while waiting:
        name, extras = waiting.pop()
        try:
            known = distribution(name)
        except PackageNotFoundError:
            # For another system, or another Python.
            continue
        found[name.lower()] = known
        for line in known.requires or []:
            needed = Requirement(line)
            is_for_us = needed.marker is None or any(
                needed.marker.evaluate({"extra": extra}) for extra in extras or {""}
            )
            if is_for_us and needed.name.lower() not in found:
                waiting.append((needed.name, frozenset(needed.extras)))
    return found


def licences(known: Distribution) -> list[str]:
    """Return what a package says of its licence, in short."""
    meta = known.metadata
    said = [meta.get("License-Expression") or ""]
    said += [each for each in meta.get_all("Classifier") or [] if each.startswith("License ::")]
    # Some have the whole text there.
    said.append((meta.get("License") or "").split("\n")[0][:100])
    return [each for each in said if each]


def test_nothing_that_is_installed_with_the_package_is_copyleft() -> None:
    found = installed_with("jmcp_lab")
    assert len(found) > 50
    strict = {
        name: said
        for name, known in found.items()
        if (said := licences(known)) and all(COPYLEFT.search(each) for each in said)
    }
    assert strict == {}


def test_a_copyleft_licence_is_recognized() -> None:
    for said in ("GPL-2.0-or-later", "GNU General Public License v3 (GPLv3)", "AGPL-3.0-only"):
        assert COPYLEFT.search(said)
    for said in ("LGPL-2.1", "BSD-3-Clause", "GNU Lesser General Public License"):
        assert not COPYLEFT.search(said)
