"""Pixels of decoded images: the memory they need, and their conversion to 8 bits and small size."""

from __future__ import annotations

import math

from PIL import Image, ImageMath

LONG_EDGE = 1568
"""Maximum length of an edge in pixels; models would scale a larger image down anyway."""

UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""Transposition that sets an image upright, by the orientation in its EXIF."""

_ORIENTATION = 0x0112
_STRIP = 1_000_000
"""Number of pixels that are converted at once."""
_ONE_BYTE = {"1", "L", "P"}
_HIGH_BYTES = [value // 257 for value in range(65_536)]
"""8-bit grey for each 16-bit grey."""
_FINITE = 1e38
"""Bound of finite values: infinite pixels exceed it, and comparisons with NaN are false."""


def bytes_needed(image: Image.Image, full: tuple[int, int]) -> int:
    """Return about how many bytes it takes to decode an image and to make it flat.

    Parameters
    ----------
    image : Image
        Opened, not loaded; it may be set to be decoded at a smaller size.
    full : tuple of int
        Its size in the file.
    """
    pixels = image.width * image.height
    needed = pixels * (1 if image.mode in _ONE_BYTE else 2 if image.mode.startswith("I;16") else 4)
    if image.mode in ("I", "F"):
        needed += 20 * pixels
    if image.format == "WEBP":
        # Its decoder keeps the canvas and the previous one.
        needed += 8 * pixels
    if image.info.get("progressive"):
        # Its decoder keeps the coefficients of the whole image.
        needed += 6 * full[0] * full[1]
    return needed + 4 * image.width * min(image.height, _rows(image))


def orientation(image: Image.Image) -> int:
    """Return the orientation of an image from its EXIF; 1 is upright."""
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:
        # Pillow raises errors of many kinds on damaged metadata; the pixels may still be good.
        return 1


def flat(image: Image.Image) -> tuple[Image.Image, str]:
    """Return an image as RGB or RGBA, and words about how its values were mapped to grey.

    An image far larger than any that is sent is reduced by a whole factor.
    """
    words = ""
    if image.mode in ("I", "F") and not _is_sixteen_bit(image):
        image, words = _spread(image)
    mode = "RGBA" if _has_alpha(image) else "RGB"
    sixteen, factor, rows = _is_sixteen_bit(image), _factor(image), _rows(image)
    small = Image.new(mode, (math.ceil(image.width / factor), math.ceil(image.height / factor)))
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(image.height, top + rows)))
        if sixteen:
            strip = strip.convert("I").point(_HIGH_BYTES, "L")
        part = strip.convert(mode)
        small.paste(part.reduce(factor) if factor > 1 else part, (0, top // factor))
    return small, words


def _factor(image: Image.Image) -> int:
    return max(1, max(image.size) // LONG_EDGE)


def _rows(image: Image.Image) -> int:
    """Return how many rows are converted at once: a multiple of the reduction factor."""
    factor = _factor(image)
    return factor * max(1, _STRIP // (image.width * factor))


def _has_alpha(image: Image.Image) -> bool:
    """Whether an image may have transparent pixels."""
    return "A" in image.getbands() or "transparency" in image.info


def _is_sixteen_bit(image: Image.Image) -> bool:
    # Older versions of Pillow read a 16-bit PNG as 32-bit integers.
    return image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG")


def _spread(image: Image.Image) -> tuple[Image.Image, str]:
    """Return an image of 32-bit integers or floats as 8-bit grey, and words about its values.

    Pillow would clip the values at 255, so that nearly all become white. These types have no
    known white, so the lowest value becomes black and the highest white.
    """
    values, low, high = _finite(image.convert("F"))
    factor = 255 / (high - low) if high > low else 0.0
    offset = 0.5 - low * factor
    spread = values.point(lambda value: value * factor + offset).convert("L")
    return spread, f", values {low:g} to {high:g} shown as black to white"


def _finite(image: Image.Image) -> tuple[Image.Image, float, float]:
    """Return an image of floats and its range; infinite and NaN pixels get the lowest value."""
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
