"""What looks like a credential, whoever it belongs to."""

import base64
import binascii
import re
from collections.abc import Callable
from typing import Final

from fastapi_factory_utilities.core.redaction.mask import REDACTED

__all__ = ["has_shape", "mask_shapes", "passwords_in"]


def passwords_in(text: str) -> list[str]:
    """Find the passwords of the URLs in a text, both as RFC 3986 delimits them and as people forget to encode them."""
    return [match["password"] for url in (_URL_PASSWORD, _STRICT_URL) for match in url.finditer(text)]


def has_shape(text: str) -> bool:
    """Say whether `mask_shapes` would change the text."""
    return any(
        mask(match) != match[0] for sign, pattern, mask in _SHAPES if sign in text for match in pattern.finditer(text)
    )


def mask_shapes(text: str) -> str:
    """Mask whatever looks like a credential."""
    for sign, pattern, mask in _SHAPES:
        if sign in text:
            text = pattern.sub(mask, text)
    return text


def _mask_password(match: re.Match[str]) -> str:
    return f"{match['before']}{REDACTED}@"


def _mask_token(match: re.Match[str]) -> str:
    return match["before"] + REDACTED


def _mask_basic(match: re.Match[str]) -> str:
    """Mask `Basic` credentials (RFC 7617), but not the words "basic configuration"."""
    encoded = match["token"].rstrip("=")
    try:
        decoded = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_")
    except (binascii.Error, ValueError):
        return match[0]
    return match["before"] + REDACTED if b":" in decoded else match[0]


# A password may hold `/` and `#` that somebody forgot to encode; a port followed by a path is not a password.
_URL_PASSWORD: Final = re.compile(
    r"""(?P<before>://[^\s/?#"'<>\\@:]{0,256}:)(?!\d{1,5}(?:[/?#\s"'<>\\,]|$))(?P<password>[^\s"'<>\\]{1,1024})@"""
)
_STRICT_URL: Final = re.compile(r"://[^\s/?#@:]{0,256}:(?P<password>[^\s/?#]{1,1024})@")
_BEARER: Final = re.compile(r"(?P<before>[Bb]earer +)(?=\S{0,64}\d)[A-Za-z0-9._~+/=-]{12,}")
_BASIC: Final = re.compile(r"(?P<before>[Bb]asic +)(?P<token>[A-Za-z0-9+/_-]{4,}=*)")
_JWT: Final = re.compile(r"(?P<before>)eyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*")  # RFC 7519; `{"` in base64 begins so

# (a cheap sign that the pattern may match, the pattern, what to write instead)
_SHAPES: Final[tuple[tuple[str, re.Pattern[str], Callable[[re.Match[str]], str]], ...]] = (
    ("://", _URL_PASSWORD, _mask_password),
    ("earer ", _BEARER, _mask_token),
    ("asic ", _BASIC, _mask_basic),
    ("eyJ", _JWT, _mask_token),
)
