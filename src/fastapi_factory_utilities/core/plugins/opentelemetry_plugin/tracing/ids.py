"""Random trace and span ids (W3C Trace Context, levels 1 and 2)."""

import os
import sys
from random import Random
from typing import Final

__all__ = ["new_span_id", "new_trace_id"]

# Not the module's own generator: a service that seeds that one would give the same ids in every process.
_random: Final = Random()  # noqa: S311 - ids are no secrets
_bits: Final = _random.getrandbits
if sys.platform != "win32":
    os.register_at_fork(after_in_child=_random.seed)


def new_trace_id() -> int:
    """Return 128 random bits, not all zero."""
    return _bits(128) or new_trace_id()


def new_span_id() -> int:
    """Return 64 random bits, not all zero."""
    return _bits(64) or new_span_id()
