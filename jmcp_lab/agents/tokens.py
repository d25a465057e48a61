"""Create agent tokens, recognize them by their form, and hash them for storage.

A token is ``jml_``, 32 random bytes in base62 and a checksum. Secret scanners and people recognize
the prefix. The checksum distinguishes a typing error from a revoked token.
"""

from __future__ import annotations

import hashlib
import secrets
import string
import zlib

PREFIX = "jml_"
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM_BYTES = 32
_RANDOM_LENGTH = 43  # 62**43 > 2**256
_CHECK_LENGTH = 6  # 62**6 > 2**32
TOKEN_LENGTH = len(PREFIX) + _RANDOM_LENGTH + _CHECK_LENGTH


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, rest = divmod(number, 62)
        digits.append(_ALPHABET[rest])
    return "".join(reversed(digits))


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), _CHECK_LENGTH)


def mint_token() -> str:
    """Return a new token."""
    body = _base62(int.from_bytes(secrets.token_bytes(_RANDOM_BYTES), "big"), _RANDOM_LENGTH)
    return PREFIX + body + _checksum(body)


def is_well_formed(token: str) -> bool:
    """Return whether a text has the form of a token; it may still be invalid."""
    if len(token) != TOKEN_LENGTH or not token.startswith(PREFIX):
        return False
    body, check = token[len(PREFIX) : -_CHECK_LENGTH], token[-_CHECK_LENGTH:]
    return body.isascii() and body.isalnum() and check == _checksum(body)


def hash_token(token: str) -> str:
    """Return the stored form of a token: its SHA-256, in hex."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_hash(text: str) -> bool:
    """Return whether a text has the form of a token's hash."""
    return len(text) == 64 and all(character in "0123456789abcdef" for character in text)
