"""How much memory large images take, measured in a process of its own."""

from __future__ import annotations

import base64
import io
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from jmcp_lab.render.images import LONG_EDGE, Picture, prepared

MOST_MEGABYTES = 200

_SIX = """
import re, sys
from jmcp_lab.render.images import Picture, prepared

def most():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])

picture = Picture("image/png", open(sys.argv[1]).read())
before = most()
sent = [prepared(picture, 600_000) for _ in range(6)]
print((most() - before) // 1000)
print(sent[0].words)
"""


def _file(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _gif() -> bytes:
    frames = [Image.new("P", (4000, 4000), number) for number in range(61)]
    return _file(frames[0], "GIF", save_all=True, append_images=frames[1:])


IMAGES = {
    "a GIF of 61 frames of 16 million pixels": _gif,
    "a PNG of 62 million pixels": lambda: _file(Image.new("RGB", (20_000, 3100)), "PNG"),
    "a PNG of 62 million pixels in 256 colours": lambda: _file(
        Image.new("P", (20_000, 3100)), "PNG"
    ),
    "a JPEG of 62 million pixels": lambda: _file(Image.new("RGB", (20_000, 3100)), "JPEG"),
    "a progressive JPEG of 62 million pixels": lambda: _file(
        Image.new("RGB", (20_000, 3100)), "JPEG", progressive=True
    ),
    "a WEBP of 36 million pixels": lambda: _file(Image.new("RGB", (12_000, 3000)), "WEBP"),
    "a PNG of 24 million pixels": lambda: _file(Image.new("RGBA", (6000, 4000)), "PNG"),
    "a deep PNG of 40 million pixels": lambda: _file(Image.new("I;16", (8000, 5000)), "PNG"),
    "floats of 16 million pixels": lambda: _file(
        Image.new("F", (4000, 4000)), "TIFF", compression="tiff_deflate"
    ),
    "one row of 60 million pixels": lambda: _file(
        Image.new("L", (60_000_000, 1)), "TIFF", compression="tiff_deflate"
    ),
}

EACH_TIME = (
    "a PNG of 62 million pixels",
    "a JPEG of 62 million pixels",
    "a WEBP of 36 million pixels",
    "one row of 60 million pixels",
)
"""One of each kind that decoders treat differently; the others are for `scripts/long_tests.py`."""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the most memory taken")
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name in EACH_TIME else pytest.mark.long) for name in IMAGES],
)
def test_six_large_images_one_after_the_other_take_little_memory(name: str, tmp_path: Path) -> None:
    path = tmp_path / "image"
    path.write_bytes(base64.b64encode(IMAGES[name]()))
    said = subprocess.run(
        [sys.executable, "-c", _SIX, str(path)], capture_output=True, text=True, check=True
    ).stdout
    grown, words = said.splitlines()
    print(name, grown, words)
    assert int(grown) < MOST_MEGABYTES, words


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("a GIF of 61 frames of 16 million pixels", marks=pytest.mark.long),
        "a JPEG of 62 million pixels",
        *("a PNG of 62 million pixels in 256 colours", "a PNG of 24 million pixels"),
        "a deep PNG of 40 million pixels",
    ],
)
def test_a_large_image_is_shown_where_it_can_be_decoded_small(name: str) -> None:
    picture = Picture("image/png", base64.b64encode(IMAGES[name]()).decode())
    sent = prepared(picture, 600_000)
    assert sent.data is not None, sent.words
    shown = Image.open(io.BytesIO(base64.b64decode(sent.data)))
    assert max(shown.size) == LONG_EDGE


def test_an_image_too_large_to_decode_is_named_with_what_helps() -> None:
    picture = Picture(
        "image/png", base64.b64encode(IMAGES["a PNG of 62 million pixels"]()).decode()
    )
    sent = prepared(picture, 600_000)
    assert sent.data is None
    assert sent.words == (
        "20000x3100, too many pixels to decode here; save a smaller image: not sent"
    )
