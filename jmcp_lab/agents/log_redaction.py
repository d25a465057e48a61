"""No agent's token in any log line, whoever writes it.

A token that is pasted into an address, such as that of the endpoint with the token at its end, gets
into the access log of a server that has nothing there; so do tokens in other programs' exceptions.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

from .tokens import PREFIX

_TOKEN = re.compile(re.escape(PREFIX).replace("_", "(?:_|%5[fF])") + r"\w{8,}")
_LEFT = PREFIX + "…"


class TokenFilter(logging.Filter):
    """Leaves nothing but the beginning of agents' tokens in what a handler writes."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record through, without tokens."""
        try:
            message = record.getMessage()
        except Exception:
            # Its arguments do not fit: the handler will say so, and writes them.
            message = f"{record.msg} {record.args!r}"
        if _TOKEN.search(message):
            record.msg, record.args = _TOKEN.sub(_LEFT, message), None
        if record.exc_info and record.exc_info[0] is not None:
            text = record.exc_text or logging.Formatter().formatException(record.exc_info)
            if _TOKEN.search(text):
                # Formatters take this, and do not work it out once more.
                record.exc_text = _TOKEN.sub(_LEFT, text)
                record.exc_info = None
        return True


def keep_tokens_out_of_logs() -> None:
    """Put the filter before everything that writes a log of this process."""
    for handler in _handlers():
        if not any(isinstance(each, TokenFilter) for each in handler.filters):
            handler.addFilter(TokenFilter())


def _handlers() -> Iterator[logging.Handler]:
    known = list(logging.root.manager.loggerDict.values())
    for logger in (logging.root, *known):
        if isinstance(logger, logging.Logger):
            yield from logger.handlers
