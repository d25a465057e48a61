"""The limits of a reply."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a reply may hold.

    Parameters
    ----------
    text : int
        Characters of text in one reply.
    images : int
        Bytes of base64 in one reply.
    send_images : bool
        Whether images are sent at all.
    """

    text: int = 20_000
    images: int = 600_000
    send_images: bool = True

    def with_images(self, wanted: bool) -> Limits:
        """Return the limits of a call that wants images, or none."""
        return self if wanted else replace(self, send_images=False)
