"""Creates the files of the fuzzer's server: large notebooks, odd outputs, images, many files."""

from __future__ import annotations

import base64
import io
import json
import random
from pathlib import Path
from typing import Any

from PIL import Image

NUMBERS = 1_000_000
TABLE_ROWS = 400_000
"""Number of rows of an HTML table of 46 MB."""

NOTEBOOKS = [
    *("cells.ipynb", "json.ipynb", "table.ipynb", "text.ipynb", "images.ipynb", "figures.ipynb"),
    *("deep.ipynb", "small.ipynb", "lines.ipynb"),
]


def build(root: Path) -> None:
    """Write all files."""
    root.mkdir(parents=True, exist_ok=True)
    random.seed(1)
    _notebook(root / "cells.ipynb", [_cell(n, [_stream(f"{n}\n")]) for n in range(5000)])
    numbers = [random.random() for _ in range(NUMBERS)]
    _notebook(root / "json.ipynb", [_cell(0, [_display({"application/json": numbers})])])
    row = "<tr><td>1234.5678</td><td>abc</td><td>" + "x" * 70 + "</td></tr>\n"
    table = f'<table class="dataframe"><tbody>{row * TABLE_ROWS}</tbody></table>'
    _notebook(root / "table.ipynb", [_cell(0, [_display({"text/html": table})])])
    _notebook(root / "text.ipynb", [_cell(n, [each]) for n, each in enumerate(_texts())])
    _notebook(root / "images.ipynb", [_cell(n, [each]) for n, each in enumerate(_images(root))])
    _notebook(root / "figures.ipynb", [_cell(n, [each]) for n, each in enumerate(_figures())])
    _notebook(root / "deep.ipynb", [_cell(n, [each]) for n, each in enumerate(_deep())])
    _notebook(root / "small.ipynb", [_cell(n, []) for n in range(5)])
    lines = "\n".join(f"value_{n} = {n}" for n in range(50_000))
    _notebook(root / "lines.ipynb", [_cell(0, [], lines), _cell(1, [], "x" * 2_000_000)])
    (root / "text.txt").write_text("a line of words\n" * 1_200_000)
    (root / "breaks.txt").write_text("\n" * 19_000_000)
    (root / "one-line.txt").write_text("x" * 19_000_000)
    (root / "crlf.txt").write_bytes(b"a\r\nb\rc\n" * 1_000_000)
    for folder in range(60):
        for inner in range(60):
            (root / f"folders/{folder:02}/{inner:02}").mkdir(parents=True)
    (root / "many").mkdir()
    for number in range(5000):
        (root / "many" / f"{'a' * 100}{number}.csv").touch()


def _notebook(path: Path, cells: list[dict[str, Any]]) -> None:
    kernel = {"name": "python3", "display_name": "Python 3"}
    metadata = {"kernelspec": kernel}
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}
    path.write_text(json.dumps(notebook))


def _cell(number: int, outputs: list[dict[str, Any]], source: str | None = None) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": f"cell-{number}",
        "metadata": {},
        "execution_count": 1,
        "source": f"value_{number} = {number}" if source is None else source,
        "outputs": outputs,
    }


def _stream(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text}


def _display(data: dict[str, Any]) -> dict[str, Any]:
    return {"output_type": "display_data", "metadata": {}, "data": data}


def _texts() -> list[dict[str, Any]]:
    frame = "File /usr/lib/python3/site-packages/a/b.py:12, in f(x)\n---> 12 g(x)\n"
    traceback = [frame * 40_000]
    return [
        _stream("a line of words\n" * 1_200_000),
        _stream("\x1b[31m" + "x" * 5_000_000 + "\x1b[0m"),
        _stream("\x1b[31mred\x1b[0m \u200b\r" * 300_000),
        _stream("a\b" * 2_000_000),
        {"output_type": "error", "ename": "E", "evalue": "e" * 500_000, "traceback": traceback},
        _display({"text/markdown": "- [a](b) **c**\n" * 300_000, "text/plain": "x"}),
        _display({"text/latex": "$" * 3_000_000}),
        _display({"text/html": "<" * 3_000_000}),
        _display({"text/html": "<a b='" * 300_000}),
        _display({"text/html": "<!--" * 500_000}),
        _display({"text/html": "<img src='data:image/png;base64," + "A" * 8_000_000 + "'>"}),
        _display({"image/svg+xml": "<svg>" + "<text>a</text><path d='M0'/>" * 150_000}),
        _display({"text/html": "&#" + "9" * 3_000_000}),
    ]


def _images(root: Path) -> list[dict[str, Any]]:
    frames = [Image.new("P", (4000, 4000), number) for number in range(61)]
    noise = Image.effect_noise((1500, 1100), 90).convert("RGB")
    kinds: list[tuple[str, bytes]] = [
        ("gif", _file(frames[0], "GIF", save_all=True, append_images=frames[1:])),
        ("png", _file(Image.new("RGB", (20_000, 3100)), "PNG")),
        ("png", _file(noise, "PNG")),
        ("jpeg", _file(Image.new("RGB", (12_000, 9000)), "JPEG")),
        ("webp", _file(Image.new("RGB", (5000, 4000)), "WEBP")),
    ]
    for number, (kind, data) in enumerate(kinds):
        (root / f"image{number}.{kind}").write_bytes(data)
    return [_display({f"image/{kind}": base64.b64encode(data).decode()}) for kind, data in kinds]


def _file(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _figures() -> list[dict[str, Any]]:
    numbers = list(range(300_000))
    traces = [{"type": "scatter", "x": [1], "y": [2], "name": f"t{n}"} for n in range(20_000)]
    rows = [{"a": n, "b": str(n)} for n in range(50_000)]
    return [
        _display({"application/vnd.plotly.v1+json": {"data": [{"y": numbers}], "layout": {}}}),
        _display({"application/vnd.plotly.v1+json": {"data": traces, "layout": {}}}),
        _display({"application/vnd.vegalite.v5+json": {"data": {"values": rows}, "mark": "bar"}}),
        _display({"application/vnd.custom+json": rows}),
    ]


def _deep() -> list[dict[str, Any]]:
    value: object = 1
    for _ in range(90):
        value = {"a": [value]}
    html = "<div>" * 100_000
    return [_display({"application/json": value}), _display({"text/html": html})]
