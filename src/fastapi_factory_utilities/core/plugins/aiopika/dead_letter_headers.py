"""The headers that a message carries from attempt to attempt, and into the dead-letter queue."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from fastapi_factory_utilities.core.logs.messages import cut, message_of
from fastapi_factory_utilities.core.redaction import redact

__all__ = [
    "ATTEMPT",
    "Cause",
    "attempts_made",
    "dead_headers",
    "is_ours",
    "origin_of",
    "retry_headers",
    "revived_headers",
]

ATTEMPT: Final = "x-attempt"
"""How often handlers have failed with the message so far."""

EXCHANGE: Final = "x-original-exchange"
ROUTING_KEY: Final = "x-original-routing-key"
ERROR: Final = "x-dead-error"
REASON: Final = "x-dead-reason"
AT: Final = "x-dead-at"

_OURS: Final = frozenset({ATTEMPT, EXCHANGE, ROUTING_KEY, ERROR, REASON, AT})

_REASON_LENGTH: Final = 500
_MOST_ATTEMPTS: Final = 2**31 - 2  # so that one more can be written
# What the broker writes while a message waits: it would grow with every attempt, and a broker may drop a message that
# seems to go round in circles.
_BROKERS: Final = ("x-death", "x-first-death-", "x-last-death-", "x-delivery-count", "x-acquired-count")


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a message failed.

    Attributes:
        error: The class of the error.
        reason: What it said.
    """

    error: str
    reason: str

    @classmethod
    def of(cls, error: BaseException) -> "Cause":
        """Put an error in words: bounded, in one line, and without the secrets that this process knows."""
        return cls(type(error).__qualname__, cut(" ".join(redact(message_of(error)).split()), _REASON_LENGTH))


def is_ours(name: str) -> bool:
    """Whether a header is one of those that say what became of a message so far."""
    return name in _OURS


def attempts_made(headers: Mapping[str, Any]) -> int:
    """Return how often handlers have failed with a message; 0 where the header is missing or makes no sense."""
    made = headers.get(ATTEMPT, 0)
    return min(made, _MOST_ATTEMPTS) if isinstance(made, int) and made > 0 else 0


def origin_of(headers: Mapping[str, Any], exchange: str, routing_key: str) -> tuple[str, str]:
    """Return the exchange and the routing key that a message was first published with."""
    first = headers.get(EXCHANGE), headers.get(ROUTING_KEY)
    if isinstance(first[0], str) and isinstance(first[1], str):
        return first[0], first[1]
    return exchange, routing_key


def retry_headers(headers: Mapping[str, Any], exchange: str, routing_key: str, attempts: int) -> dict[str, Any]:
    """Return the headers for another attempt.

    Args:
        headers: What the message came with.
        exchange: Where it was published.
        routing_key: Likewise.
        attempts: How often handlers have failed with it by now.
    """
    kept = {name: value for name, value in headers.items() if not name.startswith(_BROKERS)}
    kept[EXCHANGE], kept[ROUTING_KEY] = origin_of(headers, exchange, routing_key)
    kept[ATTEMPT] = attempts
    return kept


def dead_headers(
    headers: Mapping[str, Any], exchange: str, routing_key: str, attempts: int, cause: Cause
) -> dict[str, Any]:
    """Return the headers of a dead letter; see `retry_headers`."""
    kept = retry_headers(headers, exchange, routing_key, attempts)
    kept[ERROR] = cause.error
    kept[REASON] = cause.reason
    kept[AT] = datetime.now(UTC)
    return kept


def revived_headers(headers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the headers of a dead letter that goes back to its queue: all attempts are left, its origin is kept."""
    gone = (ATTEMPT, ERROR, REASON, AT)
    return {name: value for name, value in headers.items() if name not in gone and not name.startswith(_BROKERS)}
