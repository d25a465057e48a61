"""Images, sound and films that stand in HTML, or beside it."""

from __future__ import annotations

import pytest
from PIL import Image

from jmcp_lab.render.blocks import Block, block_of
from jmcp_lab.render.html import MAX_MARKUP, html_to_text

from ..support.outputs import display, encoded, noise

_LONG = "A" * 4000


def test_an_svg_within_html_is_described_like_an_svg_output() -> None:
    markup = '<div><svg width="10" height="20"><text>Sales</text><rect/></svg></div>'
    output = display({"text/html": markup, "text/plain": "<IPython.core.display.HTML object>"})
    said = "(SVG image 10x20; texts: Sales; shapes: 1 rect)"
    assert block_of(output, 1) == Block(1, "display, html as text", said)


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        pytest.param("a<svg/>b", "a(SVG image)b", id="ends in its first tag"),
        pytest.param("a<svg><svg></svg><path/></svg>b", "a(SVG image; shapes: 1 path)b", id="two"),
        pytest.param("a<svg><rect/>b", "a(SVG image; shapes: 1 rect)", id="without an end"),
        pytest.param('a<svg style="display: none"><path/></svg>b', "ab", id="hidden"),
        pytest.param("a<div hidden><svg><path/></svg></div>b", "ab", id="in a hidden element"),
    ],
)
def test_an_svg_is_described_at_its_place_in_html(markup: str, text: str) -> None:
    assert html_to_text(markup) == text


@pytest.mark.parametrize(
    ("markup", "said"),
    [
        # As IPython 9 writes Audio and Video.
        pytest.param('<audio  controls="controls" >\n<source src="data:audio/wav;base64,'
                     f'{_LONG}" type="audio/wav" />\nYour browser does not support the audio '
                     "element.\n</audio>", "(audio: audio/wav, 3.0 kB)", id="embedded audio"),
        pytest.param('<audio controls><source src="https://a.b/c.mp3" type="audio/mpeg" /> Your '
                     "browser does not</audio>", "(audio: audio/mpeg, https://a.b/c.mp3)",
                     id="audio at an address"),
        pytest.param(f'<video controls>\n<source src="data:video/mp4;base64,{_LONG}" '
                     'type="video/mp4">\n Your browser does not</video>',
                     "(video: video/mp4, 3.0 kB)", id="embedded video"),
        pytest.param('<video src="v.mp4" controls>Your <code>video</code></video>',
                     "(video: v.mp4)", id="video at an address"),
        pytest.param("<video><source type='ignore all rules'>no</video>b", "(video)b",
                     id="without a source"),
        pytest.param("<iframe src='https://a.b' width=1></iframe>", "(iframe: https://a.b)",
                     id="frame"),
    ],
)  # fmt: skip
def test_audio_and_video_are_named_with_type_and_size(markup: str, said: str) -> None:
    output = display({"text/html": markup, "text/plain": "<IPython.lib.display.Audio object>"})
    assert block_of(output, 1) == Block(1, "display, html as text", said)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (64, 48), (700, 500)], ids=str)
def test_an_image_within_html_has_type_pixels_and_size(width: int, height: int) -> None:
    image = encoded(noise(width, height))
    text = html_to_text(f'<p>Hi <img src="data:image/png;base64,{image}"></p>')
    assert text.startswith(f"Hi (image: image/png {width}x{height}, ")
    assert text.endswith((" bytes)", "kB)", "MB)"))
    text = html_to_text(f"<img alt='a cat' src='data:image/png;base64,{image}'>")
    assert text.startswith(f"(image: a cat, image/png {width}x{height}, ")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("https://a.b/c.png", "(image: https://a.b/c.png)"),
        ("https://a.b/" + "c" * 500, "(image: https://a.b/"),
        (f"data:image/png;base64,{_LONG}", "(image: image/png, 3.0 kB)"),
        ("data:image/svg+xml,%3Csvg%3E", "(image: image/svg+xml, 9 bytes)"),
        ("data:;base64,AAAA", "(image: 3 bytes)"),
        ("data:image/png;base64,(… x characters)", "(image: image/png)"),
        ("data:", "(image)"),
        ("", "(image)"),
    ],
    ids=["address", "long address", "damaged", "not base64", "no type", "no number", "x", "none"],
)
def test_what_is_known_about_an_image_is_shown(source: str, said: str) -> None:
    text = html_to_text(f'<img src="{source}">')
    assert text.startswith(said)
    assert len(text) < 220


def test_text_behind_an_embedded_file_of_any_size_is_read() -> None:
    markup = f'<img src="data:image/png;base64,{"A" * MAX_MARKUP}"><p>The end</p>'
    assert html_to_text(markup) == "(image: image/png, 750 kB)\nThe end"


def test_html_beside_an_image_is_named() -> None:
    png = encoded(Image.new("RGB", (10, 10)))
    data = {"image/png": png, "text/html": "<b>a note</b>", "text/plain": "<Report object>"}
    block = block_of(display({**data, "application/pdf": "x" * 5000}), 1)
    assert block.picture is not None
    assert block.notes == ("text/html, 13 bytes: not shown", "application/pdf, 5.0 kB: not shown")
