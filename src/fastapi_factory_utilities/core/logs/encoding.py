"""JSON, fast, and safe to look at in a terminal."""

import re
from json import JSONEncoder, encoder
from typing import Any, Final

__all__ = ["encode", "encode_text", "tame"]

_standard: Final = JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False)

_UNSAFE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # C0 and C1 controls: new lines, and the escape sequences of terminals (ECMA-48)
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks that turn the reading direction (Unicode UAX #9)
    "\u2028\u2029\ufeff"  # line ends for some readers; byte order mark
    "\ud800-\udfff]"  # halves of surrogate pairs: no UTF-8 exists for them
)


def _make_encode() -> Any:  # noqa: ANN401 - a function, from a module without types
    """Make the encoder once: `JSONEncoder.encode` makes another one for every call, at more than the work's cost."""
    make = getattr(encoder, "c_make_encoder", None)
    if make is None:  # an interpreter without the C module
        return _standard.encode
    iterate = make(None, _refuse, encoder.encode_basestring, None, ":", ",", False, False, False)  # noqa: FBT003 - C
    return lambda value: "".join(iterate(value, 0))


def _refuse(value: object) -> object:
    raise TypeError(f"{type(value).__name__} is not JSON")


encode: Final = _make_encode()
"""Encode plain values; raises `ValueError` for NaN and integers of more than 4300 digits, `TypeError` for objects."""

encode_text: Final = encoder.encode_basestring
"""Encode one text, with its quotes."""


def tame(text: str) -> str:
    r"""Write as `\uXXXX` what could forge a line or a colour, or cannot be written; inside JSON it stays the same text.

    Half a surrogate pair becomes the replacement character, as strict readers refuse it even escaped (RFC 8259, 8.2).
    """
    return _UNSAFE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    return "\\ufffd" if "\ud800" <= character <= "\udfff" else f"\\u{ord(character):04x}"
