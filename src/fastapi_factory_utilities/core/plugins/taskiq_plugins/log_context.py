"""What is true around the sending of a task, such as the ids of request and trace, is true around its lines as well."""

import json
from collections.abc import Mapping
from typing import Any

from structlog.contextvars import bind_contextvars

from fastapi_factory_utilities.core.logs.context import surroundings

__all__ = ["LABEL", "bind_context", "carried_context"]

LABEL = "log_context"

# A task has spans of its own; the trace is the sender's, also where nobody records it.
_LEFT_BEHIND = frozenset({"span_id"})

_MAX_LENGTH = 4096
_LONGEST_LABEL = 6 * _MAX_LENGTH  # JSON writes a character as six, and somebody else may send anything


def carried_context() -> str | None:
    """The log context of this moment, as a label; `None` when there is none.

    Only plain values travel, and only up to 4 KiB of them.
    """
    carried: dict[str, Any] = {}
    length = 2
    for name, value in surroundings().items():
        if name in _LEFT_BEHIND or not isinstance(value, str | int | float | bool):
            continue
        length += len(name) + len(str(value)) + 6
        if length > _MAX_LENGTH:
            break
        carried[name] = value
    return json.dumps(carried) if carried else None


def bind_context(label: object, **own: object) -> None:
    """Bind a carried context, and what is the task's own, for the rest of this asyncio task."""
    carried: object = None
    if isinstance(label, str) and len(label) <= _LONGEST_LABEL:
        try:
            carried = json.loads(label)
        except (ValueError, RecursionError):
            carried = None
    bind_contextvars(**({str(key): value for key, value in carried.items()} if isinstance(carried, Mapping) else {}))
    bind_contextvars(**own)
