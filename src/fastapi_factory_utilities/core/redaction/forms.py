"""The forms in which libraries print a value."""

import base64
import json
import re
from typing import Final
from urllib.parse import quote, quote_plus

__all__ = ["base64_forms", "text_forms"]

_SHORTEST_BASE64: Final = 6  # shorter pieces of base64 turn up by chance
_SHORTEST_LINE: Final = 8  # of a secret of several lines


def text_forms(value: str) -> frozenset[str]:
    """Write a secret as it is, and as JSON, `repr` and URLs write it; then each of these inside JSON, twice."""
    octets = value.encode("utf-8", "surrogatepass")
    quoted = {quote(octets, safe=""), quote(octets), quote_plus(octets)}
    escaped = value.encode("unicode_escape").decode()
    forms = {value, repr(value)[1:-1], repr(octets)[2:-1], escaped, escaped.replace("'", "\\'")}
    forms |= {line for line in value.splitlines() if len(line) >= _SHORTEST_LINE}  # keys and certificates
    forms |= quoted | {re.sub("%..", lambda escape: escape[0].lower(), form) for form in quoted}
    return frozenset(_inside_json(_inside_json(forms)))


def _inside_json(forms: set[str]) -> set[str]:
    return forms | {json.dumps(form, ensure_ascii=ascii_only)[1:-1] for form in forms for ascii_only in (True, False)}


def base64_forms(value: str) -> frozenset[str]:
    """Give what of a secret's base64 (RFC 4648, both alphabets) does not depend on what surrounds it.

    In `Authorization: Basic` the user's name comes first, so the secret begins at one of three bit offsets.
    """
    octets = value.encode("utf-8", "surrogatepass")
    forms: set[str] = set()
    for before, first in ((0, 0), (1, 2), (2, 3)):
        padded = bytes(before) + octets
        encoded = base64.b64encode(padded).decode()[first : len(padded) * 8 // 6]
        if len(encoded) >= _SHORTEST_BASE64:
            forms |= {encoded, encoded.replace("+", "-").replace("/", "_")}
    return frozenset(forms)
