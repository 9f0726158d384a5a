"""Which edition of OpenTelemetry's semantic conventions the spans and figures of messages and databases follow.

Those for databases are stable; those for messaging systems still change from edition to edition, so that all names are
this one's: https://github.com/open-telemetry/semantic-conventions/tree/v1.44.0/docs/messaging
"""

from collections.abc import Sequence
from typing import Final

__all__ = ["DATABASE_BUCKETS", "DELIVERY_ATTEMPT", "ERROR_TYPE", "SCHEMA_URL", "VERSION", "type_name"]

VERSION: Final = "1.44.0"
SCHEMA_URL: Final = f"https://opentelemetry.io/schemas/{VERSION}"

ERROR_TYPE: Final = "error.type"

DELIVERY_ATTEMPT: Final = "messaging.message.delivery_attempt"
"""Which attempt of a message or task it is, counted from 1; ours: the conventions have it for single brokers only."""

DATABASE_BUCKETS: Final[Sequence[float]] = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10)
"""The bounds that the conventions give `db.client.operation.duration`, in seconds."""


def type_name(error: BaseException) -> str:
    """Return the name of an exception's class, as `error.type` has it: with its module, unless it is built in."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
