"""Which HTTP methods have names of their own in spans and metrics."""

import os
from collections.abc import Mapping
from typing import Final

__all__ = ["OTHER", "known_methods"]

OTHER: Final = "_OTHER"
"""What all other methods are called: anybody may make them up, and each would be a series of its own."""

_VARIABLE: Final = "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS"
# RFC 9110, 9.1, and RFC 5789; the semantic conventions add no others.
_KNOWN: Final = ("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE")


def known_methods(environment: Mapping[str, str] = os.environ) -> frozenset[str]:
    """Return the methods that are told by their names.

    Args:
        environment: May replace the list with its own: `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS=GET,POST,PURGE`.
    """
    listed = [name.strip() for name in environment.get(_VARIABLE, "").split(",")]
    return frozenset(name for name in listed if name) or frozenset(_KNOWN)
