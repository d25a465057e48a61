"""Images of outputs, made small enough for a model to take and checked before they are sent.

A client hands an image straight to a model, and a damaged or oversized one can end the whole
conversation. So every image is decoded here first; one that does not decode is named, not sent.
"""

from __future__ import annotations

import base64
import binascii
import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageMath, ImageOps

from .text import as_text, size_words

LONG_EDGE = 1568
"""Pixels; models scale larger images down themselves, after they were paid for in transfer."""
SHORTEST_EDGE = 64
"""An image that fits only when its long edge gets shorter than this is not sent."""
MAX_PIXELS = 64_000_000
"""Images with more pixels are not decoded: a small file can hold a huge image."""
MAX_BASE64 = 96_000_000

IMAGE_TYPES = ("image/png", "image/jpeg", "image/webp", "image/gif", "image/bmp", "image/tiff")
"""In the order of preference."""
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
_SENT_AS_THEY_ARE = {"PNG": "image/png", "JPEG": "image/jpeg"}
_COMMON_MODES = {"1", "L", "LA", "P", "RGB", "RGBA"}
_HIGH_BYTES = [value // 257 for value in range(65_536)]
"""Grey of 8 bits for each grey of 16 bits."""
_FINITE = 1e38
"""Beyond any measured value; infinite pixels are larger, and pixels that are no number are not
smaller."""


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
        """Bytes of the decoded file, nearly."""
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
        What it is, and what was done to it, such as ``640x480, 23 kB``.
    """

    data: str | None
    mime_type: str
    words: str


def picture_of(data: Mapping[Any, Any]) -> Picture | None:
    """Return the image of a mime bundle that is best to send, or None."""
    for mime_type in IMAGE_TYPES:
        encoded = as_text(data.get(mime_type))
        if encoded:
            return Picture(mime_type, encoded)
    return None


def header_size(picture: Picture) -> tuple[int, int] | None:
    """Return width and height as the file's head says, without decoding the image."""
    if len(picture.encoded) > MAX_BASE64:
        return None
    try:
        # Enough for the heads of all but a JPEG with large metadata; cut to whole groups of 4.
        head = binascii.a2b_base64("".join(picture.encoded[:40_000].split())[:32_000])
        with Image.open(io.BytesIO(head), formats=_FORMATS) as image:
            return image.size
    except Exception:
        # Pillow's decoders raise errors of many kinds on damaged files.
        return None


def described(picture: Picture) -> str:
    """Return what an image is in a few words, without decoding it."""
    size = header_size(picture)
    dimensions = f" {size[0]}x{size[1]}" if size else ""
    return f"{picture.mime_type}{dimensions}, {size_words(picture.size)}"


def prepared(picture: Picture, limit: int) -> SentPicture:
    """Return an image of at most `LONG_EDGE` pixels and `limit` base64 characters.

    An image that fits already is sent byte for byte. Never raises.
    """
    if len(picture.encoded) > MAX_BASE64:
        return _refused(picture, f"{size_words(picture.size)}, too large to decode")
    try:
        raw = binascii.a2b_base64(picture.encoded)
        with Image.open(io.BytesIO(raw), formats=_FORMATS) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                return _refused(picture, f"{width}x{height}, too many pixels to decode")
            image.load()
            return _fitted(picture, raw, image, limit)
    except (binascii.Error, ValueError):
        return _refused(picture, f"{size_words(picture.size)}, damaged: not base64 of an image")
    except Exception:
        # As above. A decompression bomb arrives here too.
        return _refused(picture, f"{size_words(picture.size)}, damaged or of an unknown kind")


def _refused(picture: Picture, words: str) -> SentPicture:
    """Return that an image is not sent, and why."""
    return SentPicture(None, picture.mime_type, f"{words}: not sent")


def _fitted(picture: Picture, raw: bytes, image: Image.Image, limit: int) -> SentPicture:
    """Return a decoded image, scaled and encoded so that it fits."""
    width, height = image.size
    was = f"{width}x{height}, {size_words(len(raw))}"
    sent_as = _SENT_AS_THEY_ARE.get(image.format or "")
    encoded_length = 4 * math.ceil(len(raw) / 3)
    common = sent_as and image.mode in _COMMON_MODES
    if sent_as and common and max(width, height) <= LONG_EDGE and encoded_length <= limit:
        return SentPicture(base64.b64encode(raw).decode("ascii"), sent_as, was)
    if getattr(image, "is_animated", False):
        was += ", its first frame"
    upright = _upright(image)
    grey, range_words = _eight_bit(upright, image.format)
    was += range_words
    flat = grey.convert("RGBA" if _has_alpha(grey) else "RGB")
    width, height = flat.size
    scale = min(1.0, LONG_EDGE / max(width, height))
    while True:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = flat if size == flat.size else flat.resize(size, Image.Resampling.LANCZOS)
        for mime_type, data in _encodings(small):
            if 4 * math.ceil(len(data) / 3) <= limit:
                words = f"{was}, sent as {size[0]}x{size[1]}"
                return SentPicture(base64.b64encode(data).decode("ascii"), mime_type, words)
        # File size goes about with the area.
        smallest = len(data)
        scale *= min(0.8, max(0.25, math.sqrt(limit * 0.75 / smallest) * 0.95))
        if max(width, height) * scale < SHORTEST_EDGE:
            return _refused(picture, f"{was}, no room for it in this reply")


def _upright(image: Image.Image) -> Image.Image:
    """Return an image turned as its EXIF says, because encoding it anew loses the EXIF."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:
        # Pillow raises errors of many kinds on damaged metadata; the pixels are good all the same.
        return image


def _eight_bit(image: Image.Image, file_format: str | None) -> tuple[Image.Image, str]:
    """Return an image of deep grey pixels as 8-bit grey, and words about values that were spread.

    Pillow would cut deep pixels off at 255 instead, so that nearly all become white. Integers of
    16 bits have a known white; other integers and floats have none, so their lowest value becomes
    black and their highest white. An image of another mode is returned as it is.
    """
    # Older versions of Pillow read a 16-bit PNG as 32-bit integers.
    if image.mode.startswith("I;16") or (image.mode == "I" and file_format == "PNG"):
        return image.convert("I").point(_HIGH_BYTES, "L"), ""
    if image.mode not in ("I", "F"):
        return image, ""
    values, low, high = _finite(image.convert("F"))
    factor = 255 / (high - low) if high > low else 0.0
    offset = 0.5 - low * factor
    spread = values.point(lambda value: value * factor + offset).convert("L")
    return spread, f", values {low:g} to {high:g} shown as black to white"


def _finite(image: Image.Image) -> tuple[Image.Image, float, float]:
    """Return an image of floats whose infinite and missing pixels are its lowest, and its range."""
    low, high = _range(image)
    if -_FINITE <= low <= high <= _FINITE:
        return image, low, high
    finite = ImageMath.lambda_eval(
        lambda images: (abs(images["image"]) <= _FINITE) * 255, image=image
    ).convert("L")
    if finite.getextrema() == (0, 0):
        return Image.new("F", image.size), 0.0, 0.0
    low, _ = _range(_filled(image, finite, math.inf))
    _, high = _range(_filled(image, finite, -math.inf))
    return _filled(image, finite, low), low, high


def _range(image: Image.Image) -> tuple[float, float]:
    """Return the lowest and the highest value of an image of floats."""
    low, high = image.getextrema()
    return float(low), float(high)  # type: ignore[arg-type]


def _filled(image: Image.Image, mask: Image.Image, value: float) -> Image.Image:
    """Return the pixels of an image where the mask is set, and `value` elsewhere."""
    filled = Image.new("F", image.size, value)
    filled.paste(image, mask=mask)
    return filled


def _has_alpha(image: Image.Image) -> bool:
    """Whether an image may have transparent pixels."""
    return "A" in image.getbands() or "transparency" in image.info


def _encodings(image: Image.Image) -> Iterator[tuple[str, bytes]]:
    """Yield an image as PNG, then as the smaller of 256 colours and JPEG."""
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
