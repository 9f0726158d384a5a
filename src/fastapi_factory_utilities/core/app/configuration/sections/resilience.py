"""How calls to a service over HTTP are bounded, repeated and broken off: parts of an entry of `dependencies.http`."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from fastapi_factory_utilities.core.app.configuration.sections.rules import Section
from fastapi_factory_utilities.core.rules import broken_rule

__all__ = [
    "HttpBreakerConfig",
    "HttpConcurrencyConfig",
    "HttpRateConfig",
    "HttpRetryConfig",
    "HttpTimeoutConfig",
]


def _in_capitals(methods: frozenset[str]) -> frozenset[str]:
    return frozenset(method.upper() for method in methods)


class HttpTimeoutConfig(Section):
    """`timeout`: how long a call may take, and each attempt of it."""

    total_seconds: float = Field(
        default=30.0,
        gt=0,
        description="Seconds until the answer of a call begins, waiting and repeating included.",
    )
    attempt_seconds: float = Field(
        default=10.0, gt=0, description="Seconds for one attempt, from connecting to the last byte of the answer."
    )
    connect_seconds: float = Field(default=5.0, gt=0, description="Seconds for a new connection, TLS included.")

    @model_validator(mode="after")
    def _total_holds_an_attempt(self) -> Self:
        if self.total_seconds < self.attempt_seconds:
            raise broken_rule("total_seconds must be at least attempt_seconds: no attempt could take its time")
        return self


class HttpRetryConfig(Section):
    """`retry`: which calls are made again, when, and how many in all."""

    attempts: int = Field(default=3, ge=1, description="Attempts of a call, the first included; 1 repeats nothing.")
    methods: Annotated[frozenset[str], AfterValidator(_in_capitals)] = Field(
        default=frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PUT", "TRACE"}),
        description="Methods that may be repeated; others are when nothing was sent yet, or with an Idempotency-Key.",
    )
    statuses: frozenset[int] = Field(
        default=frozenset({408, 429, 500, 502, 503, 504}), description="Answers that are asked for again."
    )
    backoff_seconds: float = Field(
        default=0.1,
        ge=0,
        description="The longest first pause; it doubles each time, and a random part of it is taken.",
    )
    max_backoff_seconds: float = Field(default=2.0, ge=0, description="The longest pause that back-off makes.")
    max_retry_after_seconds: float = Field(
        default=10.0,
        ge=0,
        description="The longest Retry-After that is waited for; after a longer one nothing is repeated.",
    )
    budget_ratio: float = Field(
        default=0.1, ge=0, le=1, description="Repetitions that each call adds to the budget of all calls."
    )
    budget_reserve: float = Field(
        default=10.0,
        ge=0,
        description="The most that the budget holds, and what it begins with; an idle minute refills it.",
    )


class HttpBreakerConfig(Section):
    """`breaker`: when nobody asks a failing service any more."""

    enabled: bool = Field(default=True, description="Whether a failing service is left alone for a while.")
    failure_ratio: float = Field(default=0.5, gt=0, le=1, description="The share of failed attempts that opens it.")
    minimum_attempts: int = Field(default=20, ge=1, description="Attempts in the window before the share counts.")
    window_seconds: float = Field(default=30.0, gt=0, description="Seconds over which attempts are counted.")
    open_seconds: float = Field(
        default=5.0, gt=0, description="Seconds for which calls fail at once; then a single one tries."
    )


class HttpConcurrencyConfig(Section):
    """`concurrency`: how many calls are in flight."""

    limit: int = Field(default=0, ge=0, description="Calls at a time, until their answers are read; 0 is no limit.")
    queue: int = Field(default=100, ge=0, description="Calls that may wait for their turn; further ones fail at once.")


class HttpRateConfig(Section):
    """`rate`: how many calls are begun in a second."""

    per_second: float = Field(default=0.0, ge=0, description="Calls in a second, in the long run; 0 is no limit.")
    burst: int = Field(default=10, ge=1, description="Calls that may begin at once after a quiet while.")
    queue_seconds: float = Field(
        default=1.0, ge=0, description="The longest that a call waits for its turn; it fails at once if that is longer."
    )
