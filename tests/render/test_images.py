from __future__ import annotations

import base64
import io
import math
import struct
import zlib

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure
from PIL import Image

from jmcp_lab.calls.call import ImagePart, TextPart
from jmcp_lab.render.images import LONG_EDGE, Picture, described, header_size, prepared
from jmcp_lab.render.outputs import MAX_IMAGES, Budget

from ..support.outputs import decoded, display, encoded, noise, render_outputs


def _figure() -> str:
    with mpl.rc_context({"figure.dpi": 100}):
        figure = Figure(figsize=(6.4, 4.8))
        figure.subplots().plot([1, 2, 4])
        file = io.BytesIO()
        figure.savefig(file, format="png")
    return base64.b64encode(file.getvalue()).decode("ascii")


def test_a_figure_that_fits_is_sent_byte_for_byte() -> None:
    png = _figure()
    output = display({"image/png": png, "text/plain": "<Figure size 640x480 with 1 Axes>"})
    text, image = render_outputs([output], Budget())
    assert image == ImagePart(png, "image/png")
    assert isinstance(text, TextPart)
    assert text.text.startswith("[output 1 image/png 640x480, ")
    assert text.text.endswith("kB: image 1]")
    assert "<Figure" not in text.text


def test_line_breaks_in_the_base64_of_an_image_are_removed() -> None:
    png = encoded(Image.new("RGB", (10, 10)))
    lines = [png[:20] + "\n", png[20:] + "\n"]
    _, image = render_outputs([display({"image/png": lines})], Budget())
    assert image == ImagePart(png, "image/png")


def test_text_that_is_more_than_a_name_stays_beside_its_image() -> None:
    png = encoded(Image.new("RGB", (10, 10)))
    text, _ = render_outputs([display({"image/png": png, "text/plain": "loss 0.3"})], Budget())
    assert isinstance(text, TextPart)
    assert "loss 0.3" in text.text


def test_a_large_image_is_scaled_and_both_sizes_are_shown() -> None:
    sent = prepared(Picture("image/png", encoded(Image.new("RGB", (4000, 2000), "red"))), 600_000)
    assert sent.data is not None
    assert decoded(sent.data).size == (LONG_EDGE, LONG_EDGE // 2)
    assert sent.words.startswith("4000x2000, ")
    assert sent.words.endswith(f", sent as {LONG_EDGE}x{LONG_EDGE // 2}")


@pytest.mark.parametrize("limit", [5_000, 60_000, 600_000])
def test_an_image_shrinks_until_it_fits(limit: int) -> None:
    sent = prepared(Picture("image/png", encoded(noise(2200, 1100))), limit)
    assert sent.data is not None
    assert len(sent.data) <= limit
    image = decoded(sent.data)
    image.load()
    assert sent.mime_type == f"image/{(image.format or '').lower()}"


def test_an_image_that_would_be_unreadable_is_named_instead() -> None:
    sent = prepared(Picture("image/png", encoded(noise(1000, 1000))), 300)
    assert sent.data is None
    assert sent.words.endswith("no room for it in this reply: not sent")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_each_kind_of_image_becomes_png_or_jpeg(kind: str) -> None:
    picture = Picture(f"image/{kind.lower()}", encoded(Image.new("RGB", (40, 30), "blue"), kind))
    assert header_size(picture) == (40, 30)
    sent = prepared(picture, 100_000)
    assert sent.data is not None
    assert sent.mime_type in ("image/png", "image/jpeg")
    assert decoded(sent.data).size == (40, 30)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F", "I"])
def test_each_mode_of_pixels_can_be_scaled(mode: str) -> None:
    kind = "PNG" if mode not in ("CMYK", "F", "I") else "TIFF"
    picture = Picture("image/png", encoded(Image.new(mode, (2000, 100)), kind))
    sent = prepared(picture, 100_000)
    assert sent.data is not None
    assert decoded(sent.data).width == LONG_EDGE


def _deep(mode: str, values: list[float], width: int, kind: str) -> Picture:
    """Return an image of grey pixels of more than 8 bits."""
    image = Image.new("I" if mode == "I;16" else mode, (width, len(values) // width))
    image.putdata(values)
    return Picture(f"image/{kind.lower()}", encoded(image.convert(mode), kind))


def _greys(data: str | None) -> list[int]:
    """Return the grey of each pixel of a sent image."""
    assert data is not None
    return list(decoded(data).convert("L").tobytes())


@pytest.mark.parametrize("width", [256, 65_536 // 32])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_grey_of_16_bits_keeps_its_brightness(kind: str, width: int) -> None:
    sent = prepared(_deep("I;16", list(range(65_536)), width, kind), 600_000)
    greys = _greys(sent.data)
    assert min(greys) <= 4
    assert max(greys) >= 251
    assert sum(greys) / len(greys) == pytest.approx(127, abs=2)
    assert "black to white" not in sent.words


@pytest.mark.parametrize(
    ("mode", "values", "greys", "words"),
    [
        pytest.param("F", [-0.5, 0.0, 0.5, 1.5], [0, 64, 128, 255], "-0.5 to 1.5", id="floats"),
        pytest.param("F", [2.0, 2.0], [0, 0], "2 to 2", id="all the same"),
        pytest.param("I", [-100, 0, 100, 100_000], [0, 0, 1, 255], "-100 to 100000", id="integers"),
        pytest.param("F", [math.nan, 1.0, math.inf, 3.0, -math.inf, 2.0], [0, 0, 0, 255, 0, 128],
                     "1 to 3", id="missing and infinite"),
        pytest.param("F", [1.0, math.nan], [0, 0], "1 to 1", id="missing at the end"),
        pytest.param("F", [math.nan, math.inf], [0, 0], "0 to 0", id="nothing finite"),
    ],
)  # fmt: skip
def test_values_without_a_known_white_are_spread_from_black_to_white(
    mode: str, values: list[float], greys: list[int], words: str
) -> None:
    sent = prepared(_deep(mode, values, len(values), "TIFF"), 100_000)
    assert _greys(sent.data) == greys
    assert f", values {words} shown as black to white, sent as " in sent.words


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_scaled_image_stands_upright_as_its_metadata_says(kind: str) -> None:
    image = Image.new("RGB", (4000, 1000), "white")
    image.paste("black", (0, 0, 1000, 1000))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by a quarter, clockwise: what was left comes to the top
    picture = Picture(f"image/{kind.lower()}", encoded(image, kind, exif=exif))
    sent = prepared(picture, 600_000)
    assert sent.data is not None
    upright = decoded(sent.data).convert("L")
    assert upright.size == (LONG_EDGE // 4, LONG_EDGE)
    assert upright.getpixel((5, 5)) == pytest.approx(0, abs=3)
    assert upright.getpixel((5, LONG_EDGE - 5)) == pytest.approx(255, abs=3)
    assert sent.words.endswith(f", sent as {LONG_EDGE // 4}x{LONG_EDGE}")


def test_damaged_metadata_does_not_stop_an_image() -> None:
    large = encoded(Image.new("RGB", (2000, 100)), exif=b"Exif\0\0no metadata")
    assert prepared(Picture("image/png", large), 100_000).data is not None


def test_transparency_is_kept_when_there_is_room() -> None:
    picture = Picture("image/png", encoded(Image.new("RGBA", (2000, 100), (1, 2, 3, 0))))
    sent = prepared(picture, 100_000)
    assert sent.data is not None
    assert decoded(sent.data).mode == "RGBA"


def test_an_animation_is_its_first_frame() -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    gif = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    sent = prepared(Picture("image/gif", gif), 100_000)
    assert "its first frame" in sent.words
    assert sent.data is not None
    assert decoded(sent.data).convert("RGB").getpixel((1, 1)) == (255, 0, 0)


def _huge_png(width: int, height: int) -> str:
    """Return a small file whose head promises a huge image."""

    def chunk(name: bytes, data: bytes) -> bytes:
        checked = name + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + body).decode("ascii")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param("not base64 at all!", "damaged", id="no base64"),
        pytest.param("é", "damaged", id="no ASCII"),
        pytest.param("A", "damaged", id="one character"),
        pytest.param(base64.b64encode(b"GIF89a").decode(), "damaged", id="head only"),
        pytest.param(_figure()[:4000], "damaged", id="cut off"),
        pytest.param(_huge_png(9000, 9000), "too many pixels", id="too many pixels"),
        pytest.param(_huge_png(60_000, 60_000), "damaged", id="decompression bomb"),
        pytest.param(_huge_png(100, 100), "damaged", id="missing pixels"),
        pytest.param(base64.b64encode(b"%!PS\n" * 50).decode(), "unknown type", id="PostScript"),
    ],
)
def test_an_undecodable_image_is_named_and_not_sent(data: str, words: str) -> None:
    sent = prepared(Picture("image/png", data), 100_000)
    assert sent.data is None
    assert words in sent.words
    assert sent.words.endswith("not sent")
    parts = render_outputs([display({"image/png": data})], Budget())
    assert [type(part) for part in parts] == [TextPart]


def test_images_that_are_off_are_named() -> None:
    output = display({"image/png": _figure()})
    (text,) = render_outputs([output], Budget(images=False))
    assert isinstance(text, TextPart)
    assert text.text.startswith("[output 1 image/png 640x480, ")
    assert text.text.endswith("kB: images are off]")


def test_several_images_share_one_budget() -> None:
    small, large = _figure(), encoded(noise(900, 900))
    outputs = [display({"image/png": data}) for data in (large, small, large)]
    parts = render_outputs(outputs, Budget(image_chars=400_000))
    images = [part for part in parts if isinstance(part, ImagePart)]
    assert len(images) == 3
    assert images[1].data == small
    assert sum(len(image.data) for image in images) <= 400_000


def test_images_beyond_the_limit_are_named_with_a_call_that_gets_them() -> None:
    png = encoded(Image.new("RGB", (10, 10)))
    outputs = [display({"image/png": png})] * (MAX_IMAGES + 1)
    parts = render_outputs(outputs, Budget(), hint=lambda output, _: f"read_cell(output={output})")
    assert len(parts) == 1 + MAX_IMAGES
    assert isinstance(parts[0], TextPart)
    last = parts[0].text.splitlines()[-1]
    assert last.endswith(f": no room; read_cell(output={MAX_IMAGES + 1})]")


def test_an_image_is_described_without_decoding_it() -> None:
    assert described(Picture("image/png", _huge_png(9000, 8000))).startswith("image/png 9000x8000,")
    assert described(Picture("image/png", "!!")) == "image/png, 1 bytes"
