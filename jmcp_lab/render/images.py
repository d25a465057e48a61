"""Images of outputs, checked and made small enough for a model before they are sent.

A client hands an image straight to a model, and a damaged or oversized one can end the whole
conversation. So every image is decoded here first. An image that cannot be decoded is named, not
sent.
"""

from __future__ import annotations

import base64
import binascii
import io
import math
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from PIL import Image

from jmcp_lab.server.heap import give_back

from .pixels import LONG_EDGE, UPRIGHT, bytes_needed, flat, orientation
from .text import size_words

SHORTEST_EDGE = 64
"""Shortest long edge to which an image is scaled down; one that needs less is not sent."""
MAX_PIXELS = 64_000_000
"""Maximum number of pixels that are decoded: a small file can hold a huge image."""
LARGE_PIXELS = 4_000_000
"""Maximum number of pixels that are decoded outside the helper process."""
MAX_BASE64 = 28_000_000
MAX_BYTES = 100_000_000
"""Maximum memory that decoding one image may take."""
LARGE_BYTES = 10_000_000
"""Memory above which the heap is trimmed at once after an image."""

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
_SENT_AS_THEY_ARE = {"PNG": "image/png", "JPEG": "image/jpeg"}
_COMMON_MODES = {"1", "L", "LA", "P", "RGB", "RGBA"}
_PIECE = 1 << 20
"""Characters of base64 that are decoded at once: no other thread runs meanwhile."""


@dataclass(frozen=True, slots=True)
class Picture:
    """An image as it stands in an output.

    Parameters
    ----------
    mime_type : str
        As the output says.
    encoded : str
        Base64, as the output holds it.
    """

    mime_type: str
    encoded: str

    @property
    def size(self) -> int:
        """Approximate number of bytes of the decoded file."""
        return len(self.encoded) * 3 // 4


@dataclass(frozen=True, slots=True)
class SentPicture:
    """An image ready to be sent, or the words why it is not.

    Parameters
    ----------
    data : str or None
        Base64; None when it is not sent.
    mime_type : str
    words : str
        Its size, and what was done to it, such as ``640x480, 23 kB``.
    """

    data: str | None
    mime_type: str
    words: str


def header_size(picture: Picture) -> tuple[int, int] | None:
    """Return width and height from the file's header, without decoding the image."""
    if len(picture.encoded) > MAX_BASE64:
        return None
    try:
        # Enough for every header but that of a JPEG with large metadata; whole groups of 4.
        head = binascii.a2b_base64("".join(picture.encoded[:40_000].split())[:32_000])
        with Image.open(io.BytesIO(head), formats=_FORMATS) as image:
            return image.size
    except Exception:
        # Pillow's decoders raise errors of many kinds on damaged files.
        return None


def is_large(picture: Picture) -> bool:
    """Return whether an image takes much time and memory to decode, by its header."""
    width, height = header_size(picture) or (0, 0)
    return width * height > LARGE_PIXELS


def described(picture: Picture) -> str:
    """Return what an image is in a few words, without decoding it."""
    size = header_size(picture)
    dimensions = f" {size[0]}x{size[1]}" if size else ""
    return f"{picture.mime_type}{dimensions}, {size_words(picture.size)}"


def prepared(picture: Picture, limit: int) -> SentPicture:
    """Return an image of at most `LONG_EDGE` pixels and `limit` base64 characters.

    An image that already fits is sent byte for byte. Never raises.
    """
    if len(picture.encoded) > MAX_BASE64:
        return _refused(picture, f"{size_words(picture.size)}, too large to decode")
    try:
        raw = _decoded(picture.encoded)
        with _opened(raw) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                return _refused(picture, f"{width}x{height}, too many pixels to decode")
            _draft(image)
            needed = bytes_needed(image, (width, height))
        if needed > MAX_BYTES:
            words = f"{width}x{height}, too many pixels to decode here; save a smaller image"
            return _refused(picture, words)
        sent = _fitted(picture, raw, limit)
        if needed > LARGE_BYTES:
            give_back()
        return sent
    except (binascii.Error, ValueError):
        return _refused(picture, f"{size_words(picture.size)}, damaged: not the base64 of an image")
    except Exception:
        # Pillow raises errors of many kinds, also for a decompression bomb.
        return _refused(picture, f"{size_words(picture.size)}, damaged or of an unknown type")


def _opened(raw: bytes) -> Image.Image:
    return Image.open(io.BytesIO(raw), formats=_FORMATS)


def _draft(image: Image.Image) -> None:
    """Let an image be decoded at a smaller size, which Pillow can do for JPEG only."""
    width, height = image.size
    longest = max(width, height)
    image.draft(None, (width * LONG_EDGE // longest, height * LONG_EDGE // longest))


def _decoded(encoded: str) -> bytes:
    """Return the bytes of base64 with or without line breaks."""
    if len(encoded) <= _PIECE:
        return binascii.a2b_base64(encoded)
    pieces = (encoded[at : at + _PIECE] for at in range(0, len(encoded), _PIECE))
    decoded, rest = bytearray(), ""
    for piece in pieces:
        rest += "".join(piece.split())
        whole = len(rest) - len(rest) % 4
        decoded += binascii.a2b_base64(rest[:whole])
        rest = rest[whole:]
    return bytes(decoded + binascii.a2b_base64(rest))


def _refused(picture: Picture, words: str) -> SentPicture:
    """Return that an image is not sent, and why."""
    return SentPicture(None, picture.mime_type, f"{words}: not sent")


def _fitted(picture: Picture, raw: bytes, limit: int) -> SentPicture:
    """Return an image scaled and encoded so that it fits, and free its pixels."""
    # Without `closing`, a reference cycle would keep the pixels until the next collection.
    with closing(_opened(raw)) as image:
        full = image.size
        _draft(image)
        image.load()
        return _encoded(picture, raw, image, full, limit)


def _encoded(
    picture: Picture, raw: bytes, image: Image.Image, full: tuple[int, int], limit: int
) -> SentPicture:
    """Return a decoded image, scaled and encoded so that it fits.

    `full` is its size in the file.
    """
    width, height = full
    was = f"{width}x{height}, {size_words(len(raw))}"
    sent_as = _SENT_AS_THEY_ARE.get(image.format or "")
    encoded_length = 4 * math.ceil(len(raw) / 3)
    common = sent_as and image.mode in _COMMON_MODES
    if sent_as and common and max(width, height) <= LONG_EDGE and encoded_length <= limit:
        return SentPicture(base64.b64encode(raw).decode("ascii"), sent_as, was)
    if getattr(image, "is_animated", False):
        was += ", its first frame"
    turned = orientation(image)
    shown, range_words = flat(image)
    was += range_words
    if turned in UPRIGHT:
        # The new file has no EXIF, which holds the orientation.
        shown = shown.transpose(UPRIGHT[turned])
        width, height = (height, width) if turned >= 5 else full
    scale = min(1.0, LONG_EDGE / max(width, height))
    while True:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = shown if size == shown.size else shown.resize(size, Image.Resampling.LANCZOS)
        for mime_type, data in _encodings(small):
            if 4 * math.ceil(len(data) / 3) <= limit:
                words = f"{was}, sent as {size[0]}x{size[1]}"
                return SentPicture(base64.b64encode(data).decode("ascii"), mime_type, words)
        # File size is roughly proportional to the area.
        smallest = len(data)
        scale *= min(0.8, max(0.25, math.sqrt(limit * 0.75 / smallest) * 0.95))
        if max(width, height) * scale < SHORTEST_EDGE:
            return _refused(picture, f"{was}, no room for it in this reply")


def _encodings(image: Image.Image) -> Iterator[tuple[str, bytes]]:
    """Yield an image as PNG, then as PNG of 256 colours or as JPEG, whichever is smaller."""
    yield "image/png", _saved(image, "PNG")
    opaque = image
    if image.mode == "RGBA":
        opaque = Image.new("RGB", image.size, "white")
        opaque.paste(image, mask=image.getchannel("A"))
    colours = _saved(opaque.quantize(256, Image.Quantize.FASTOCTREE), "PNG")
    jpeg = _saved(opaque, "JPEG", quality=80)
    yield ("image/png", colours) if len(colours) <= len(jpeg) else ("image/jpeg", jpeg)


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Return the bytes of an image file."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()
