"""Keep agents' tokens out of all log lines, whoever writes them.

A token in a URL, such as that of the endpoint with the token at its end, gets into the access log
of any server that has no such page. Tokens also appear in other programs' exceptions.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

from .tokens import PREFIX

_TOKEN = re.compile(re.escape(PREFIX).replace("_", "(?:_|%5[fF])") + r"\w{8,}")
_LEFT = PREFIX + "…"


class TokenFilter(logging.Filter):
    """Replaces agents' tokens with their prefix in everything that a handler writes."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Accept every record, and remove tokens from it."""
        try:
            message = record.getMessage()
        except Exception:
            # The arguments do not match the message. The handler will report that, and write them.
            message = f"{record.msg} {record.args!r}"
        if _TOKEN.search(message):
            record.msg, record.args = _TOKEN.sub(_LEFT, message), None
        if record.exc_info and record.exc_info[0] is not None:
            text = record.exc_text or logging.Formatter().formatException(record.exc_info)
            if _TOKEN.search(text):
                # Formatters use this text instead of formatting the exception again.
                record.exc_text = _TOKEN.sub(_LEFT, text)
                record.exc_info = None
        return True


def keep_tokens_out_of_logs() -> None:
    """Add the filter to all log handlers of this process."""
    for handler in _handlers():
        if not any(isinstance(each, TokenFilter) for each in handler.filters):
            handler.addFilter(TokenFilter())


def _handlers() -> Iterator[logging.Handler]:
    known = list(logging.root.manager.loggerDict.values())
    for logger in (logging.root, *known):
        if isinstance(logger, logging.Logger):
            yield from logger.handlers
