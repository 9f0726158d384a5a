"""The id that an error answer and its log line share: the caller's W3C trace id, or a random one.

The format is that of https://www.w3.org/TR/trace-context/ (section 3.2).
"""

import os
import re
from collections.abc import MutableMapping
from typing import Any

__all__ = ["trace_id_of"]

_SCOPE_KEY = "fastapi_factory_utilities.trace_id"
_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")


def trace_id_of(scope: MutableMapping[str, Any]) -> str:
    """Return the trace id of an ASGI connection: 32 lower-case hexadecimal digits, the same at every call.

    It is taken from a valid `traceparent` header; without one, or with two of them, it is random.
    """
    known = scope.get(_SCOPE_KEY)
    if known is None:
        known = scope[_SCOPE_KEY] = _incoming(scope) or os.urandom(16).hex()
    return str(known)


def _incoming(scope: MutableMapping[str, Any]) -> str | None:
    values = [value for name, value in scope.get("headers", ()) if name == b"traceparent"]
    match = _TRACEPARENT.fullmatch(values[0].strip()) if len(values) == 1 else None
    if match is None:
        return None
    # Version 00 has exactly these four fields; only later versions may add some.
    if values[0].strip().startswith(b"00-") and match.end() != len(b"00-") + 32 + 1 + 16 + 3:
        return None
    return match[1].decode("ascii")
