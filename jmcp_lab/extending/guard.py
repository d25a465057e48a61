"""Keeps a tool of another package within bounds, whatever it returns or raises."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..calls.call import ImagePart, Reply, TextPart, ToolClass
from ..errors import ToolError
from ..permissions.pending import AlreadyWaitingError
from ..render.sharing import MAX_IMAGES
from ..runtime.services import bounded
from ..server.containment import contained, error_name
from .context import ToolContext
from .origin import OtherPackageError, OtherTool

if TYPE_CHECKING:
    from ..render.limits import Limits
    from ..runtime.services import CallContext
    from ..runtime.tool import Tool

IMAGE_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""MIME types of images that clients show."""

_log = logging.getLogger("jmcp_lab")


def guarded(origin: OtherTool) -> Tool:
    """Return a tool of another package in the guarded form that the dispatcher calls."""

    async def run(context: CallContext, **arguments: Any) -> Reply:
        return await _run(origin, context, arguments)

    return replace(origin.tool, function=run)


async def _run(origin: OtherTool, context: CallContext, arguments: dict[str, Any]) -> Reply:
    own = ToolContext(context, origin)
    try:
        with contained():
            reply = await origin.tool.function(own, **arguments)
        return _checked(reply, origin, own, context.services.limits)
    except OtherPackageError as error:
        _log.error("The tool %s %s", origin.full_name, error.problem)
        raise
    except (ToolError, AlreadyWaitingError, asyncio.CancelledError):
        raise
    except Exception as error:
        # Another package may raise anything; the agent has to learn whose tool failed.
        _log.exception("The tool %s failed", origin.full_name)
        raise OtherPackageError(origin, f"failed ({error_name(error)}).") from None


def _checked(reply: object, origin: OtherTool, own: ToolContext, limits: Limits) -> Reply:
    """Return a reply within the bounds of this server.

    Raises
    ------
    OtherPackageError
        The reply has the wrong type, or the tool ended without asking for permission.
    """
    if not isinstance(reply, Reply) or not all(map(_is_part, reply.parts)):
        found = type(reply).__name__ if not isinstance(reply, Reply) else "a Reply with other parts"
        raise OtherPackageError(origin, f"returned {found} instead of a Reply of text and images.")
    reads = origin.tool.tool_class in (ToolClass.INFO, ToolClass.READ)
    if not (reads or own.asked or reply.is_error):
        raise OtherPackageError(
            origin,
            f"is of class {origin.tool.tool_class.value} and finished without asking for "
            "permission.",
        )
    texts = [part for part in reply.parts if isinstance(part, TextPart)]
    images = [part for part in reply.parts if isinstance(part, ImagePart)]
    notes = []
    if sum(len(part.text) for part in texts) > limits.text:
        notes.append(
            f"The reply of {origin.full_name} was longer than {limits.text:,} characters, so part "
            "of it was left out."
        )
    size = sum(len(image.data) for image in images)
    if images and not limits.send_images:
        images = []
        notes.append("Images are off on this server.")
    elif size > limits.images or len(images) > MAX_IMAGES:
        images = []
        notes.append(
            f"The images of {origin.full_name} were left out. A reply holds at most {MAX_IMAGES} "
            f"images, with {limits.images:,} characters of base64."
        )
    cut = bounded(Reply((*texts, *images), reply.is_error), limits.text)
    return Reply((*cut.parts, *map(TextPart, notes)), reply.is_error)


def _is_part(part: object) -> bool:
    if isinstance(part, ImagePart):
        return isinstance(part.data, str) and part.mime_type in IMAGE_TYPES
    return isinstance(part, TextPart) and isinstance(part.text, str)
