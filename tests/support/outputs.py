"""Creates outputs as a kernel would send them."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image
from pycrdt import Map

from jmcp_lab.calls.call import ImagePart, TextPart
from jmcp_lab.codec.shared_outputs import document_outputs
from jmcp_lab.codec.values import file_form
from jmcp_lab.render.outputs import Budget, CellSection, Hint, render_cells

DATA = Path(__file__).parent / "data"
# Recorded with IPython 9.18, and with plotly 7.1, altair 6.3 and bokeh 3.9.
TRACEBACKS: dict[str, dict[str, Any]] = json.loads((DATA / "tracebacks.json").read_text())
FIGURES: dict[str, dict[str, Any]] = json.loads((DATA / "figures.json").read_text())


def stream(text: str | list[str], name: str = "stdout") -> dict[str, Any]:
    """Return the output of a print."""
    return {"output_type": "stream", "name": name, "text": text}


def display(data: dict[str, Any]) -> dict[str, Any]:
    """Return the output of ``display``."""
    return {"output_type": "display_data", "data": data, "metadata": {}}


def result(data: dict[str, Any]) -> dict[str, Any]:
    """Return the output of the last expression of a cell."""
    return {"output_type": "execute_result", "data": data, "metadata": {}, "execution_count": 1}


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> str:
    """Return an image file as base64."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return base64.b64encode(file.getvalue()).decode("ascii")


def decoded(data: str) -> Image.Image:
    """Return the image that base64 text encodes."""
    return Image.open(io.BytesIO(base64.b64decode(data)))


def noise(width: int, height: int) -> Image.Image:
    """Return an image that no format can compress well."""
    return Image.effect_noise((width, height), 90).convert("RGB")


def render_outputs(
    outputs: Sequence[Any], budget: Budget, *, label: str = "", hint: Hint | None = None
) -> list[TextPart | ImagePart]:
    """Return a reply with the outputs of one cell."""
    return render_cells([CellSection(label, outputs, hint)], budget)


def read_outputs(cell: Map[Any]) -> list[dict[str, Any]]:
    """Return the outputs of a shared cell in nbformat form, with whole numbers as ints."""
    return [file_form(output) for output in document_outputs(cell)]
