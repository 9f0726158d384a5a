"""Reads the parts of a token by the letter: what two readers could understand differently is refused.

A token that one library reads as one thing and the next one as another is how tokens were forged before (RFC 8725, 2.4
and 3.10). Hence no padding, no character outside the alphabet, no spare bits, no name twice, no NaN.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, Final

from fastapi_factory_utilities.core.security.jwt.errors import InvalidJWTError

__all__ = ["object_of", "octets_of", "segments_of"]

_SEGMENTS: Final = 3
_DEEPEST: Final = 16


def segments_of(token: str, max_bytes: int) -> tuple[str, str, str]:
    """Take a token apart (RFC 7515, 7.1), after a look at its size.

    Raises:
        InvalidJWTError: It is too long, or no compact JWS.
    """
    if len(token) > max_bytes:
        raise InvalidJWTError(f"the token is longer than {max_bytes} characters")
    parts = token.split(".")
    if len(parts) != _SEGMENTS or not token.isascii():
        raise InvalidJWTError("the token has not three parts")
    return parts[0], parts[1], parts[2]


def octets_of(segment: str) -> bytes:
    """Decode base64url (RFC 7515, section 2).

    Raises:
        InvalidJWTError: It is empty, or not in the one form that its octets have.
    """
    encoded = segment.encode("ascii")
    try:
        octets = urlsafe_b64decode(encoded + b"=" * (-len(encoded) % 4))
    except ValueError:
        octets = b""
    if not octets or urlsafe_b64encode(octets).rstrip(b"=") != encoded:
        raise InvalidJWTError("a part of the token is not base64url")
    return octets


def object_of(octets: bytes) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        InvalidJWTError: It is none, says a name twice, has a number that JSON has not, or is nested too deep.
    """
    try:
        # Only what is nested by brackets; those in texts count as well, which no honest token notices.
        if octets.count(b"{") + octets.count(b"[") > _DEEPEST and _depth(octets) > _DEEPEST:
            raise InvalidJWTError("a part of the token is nested too deep")
        found = json.loads(octets.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise InvalidJWTError("a part of the token is no JSON object, or says a name twice") from None
    if type(found) is not dict:
        raise InvalidJWTError("a part of the token is no JSON object")
    return found


def _depth(octets: bytes) -> int:
    """Return an upper bound of how deep brackets are nested."""
    depth = deepest = 0
    for octet in octets:
        if octet in b"{[":
            depth += 1
            deepest = max(deepest, depth)
        elif octet in b"}]":
            depth -= 1
    return deepest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is there twice")
    return found


def _no_number(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON")
