"""The id that an answer and its log lines share: the trace id of the request's span, or of the caller, or a random one.

The format is that of https://www.w3.org/TR/trace-context/ (section 3.2).
"""

import os
import re
from collections.abc import MutableMapping
from random import Random
from typing import Any, Final

from fastapi_factory_utilities.core.telemetry.scopes import TRACE_ID_KEY

__all__ = ["TRACEPARENT", "new_trace_id", "trace_id_of"]

TRACEPARENT: Final = b"traceparent"

# Not the module's own generator: a service that seeds that one would give the same ids in every process.
_random = Random()  # noqa: S311 - ids are no secrets
os.register_at_fork(after_in_child=_random.seed)

_FORMAT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")


def new_trace_id() -> str:
    """Return a random trace id: 32 hexadecimal digits, not all zero."""
    return (_random.getrandbits(128) or 1).to_bytes(16).hex()


def trace_id_of(scope: MutableMapping[str, Any]) -> str:
    """Return the trace id of an ASGI connection: 32 lower-case hexadecimal digits, the same at every call.

    It is that of the request's span. Without telemetry it is taken from a valid `traceparent` header; without one, or
    with two of them, it is random.
    """
    known: str | None = scope.get(TRACE_ID_KEY)
    if known is None:
        known = scope[TRACE_ID_KEY] = _incoming(scope) or new_trace_id()
    return known


def _incoming(scope: MutableMapping[str, Any]) -> str | None:
    values = [value for name, value in scope.get("headers", ()) if name == TRACEPARENT]
    match = _FORMAT.fullmatch(values[0].strip()) if len(values) == 1 else None
    if match is None:
        return None
    # Version 00 has exactly these four fields; only later versions may add some.
    if values[0].strip().startswith(b"00-") and match.end() != len(b"00-") + 32 + 1 + 16 + 3:
        return None
    return match[1].decode("ascii")
