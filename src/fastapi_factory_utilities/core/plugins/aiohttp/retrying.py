"""Whether to ask again, and when."""

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from fastapi_factory_utilities.core.plugins.aiohttp.budget import RetryBudget

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.app.configuration.sections.resilience import HttpRetryConfig

__all__ = ["Retrying", "retry_after"]


class Retrying:
    """Decides about repetitions of one service's calls.

    Args:
        config: The entry's part `retry`.
    """

    __slots__ = ("_config", "budget", "statuses")

    def __init__(self, config: "HttpRetryConfig") -> None:
        self._config = config
        # An answer is final at once where nothing is ever repeated.
        self.statuses: frozenset[int] = config.statuses if config.attempts > 1 else frozenset[int]()
        self.budget: RetryBudget = RetryBudget(config.budget_ratio, config.budget_reserve)

    def pause(
        self,
        attempt: int,
        method: str,
        options: Mapping[str, Any],
        *,
        never_sent: bool = False,
        headers: Mapping[str, str] | None = None,
        remaining_seconds: float,
    ) -> float | None:
        """Return the seconds until the next attempt, or `None` if there is none.

        Args:
            attempt: How many were made.
            method: The request's method, in capitals.
            options: The request, as aiohttp takes it.
            never_sent: Whether the failed attempt did not get as far as to send anything.
            headers: Those of the answer.
            remaining_seconds: How much time is left for the call.
        """
        config = self._config
        if attempt >= config.attempts or not self._may_repeat(method, options, never_sent=never_sent):
            return None
        longest = min(config.max_backoff_seconds, config.backoff_seconds * 2.0 ** (attempt - 1))
        pause = random.uniform(0, longest)  # noqa: S311 - it only keeps callers from asking all at once
        wanted = None if headers is None else retry_after(headers)
        if wanted is not None:
            if wanted > config.max_retry_after_seconds:
                return None
            pause += wanted
        if pause >= remaining_seconds or not self.budget.withdraw():
            return None
        return pause

    def _may_repeat(self, method: str, options: Mapping[str, Any], *, never_sent: bool) -> bool:
        return (
            never_sent or method in self._config.methods or _has_key(options.get("headers"))
        ) and _can_be_sent_again(options.get("data"))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that an answer asks to wait for, 0 for a time in the past, `None` if it does not ask."""
    value = headers.get("Retry-After")
    if value is None:
        return None
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    if at.tzinfo is None:  # "-0000": UTC, and nothing is known of the place
        at = at.replace(tzinfo=UTC)
    return max(0.0, at.timestamp() - datetime.now(UTC).timestamp())


def _has_key(headers: Any) -> bool:  # noqa: ANN401 - all that aiohttp takes as headers
    """Whether the service is told how to know a repetition (draft-ietf-httpapi-idempotency-key-header)."""
    if not headers:
        return False
    names = headers if isinstance(headers, Mapping) else (name for name, _ in headers)
    return any(str(name).lower() == "idempotency-key" for name in names)


def _can_be_sent_again(data: Any) -> bool:  # noqa: ANN401 - all that aiohttp takes as a body
    """Whether a body is still there when it was sent: a stream, a file or a form with files is used up."""
    if data is None or isinstance(data, str | bytes | bytearray | memoryview):
        return True
    return isinstance(data, Mapping) and all(isinstance(value, str | bytes | int | float) for value in data.values())
