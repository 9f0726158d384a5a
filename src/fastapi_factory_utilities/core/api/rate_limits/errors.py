"""What a client is told that asks too often."""

import math

from fastapi_factory_utilities.core.api.problems import ProblemError
from fastapi_factory_utilities.core.api.rate_limits.rate import Rate

__all__ = ["RateLimitedError"]


class RateLimitedError(ProblemError):
    """Too many requests (RFC 6585, 4), with the `Retry-After` after which the next one is served.

    Args:
        rate: What is allowed.
        retry_after_seconds: When the next request would be.
    """

    status: int = 429

    def __init__(self, rate: Rate, retry_after_seconds: float) -> None:
        seconds = max(1, math.ceil(retry_after_seconds))
        super().__init__(
            f"Too many requests: {rate} are served. Try again in {seconds} s.", headers={"Retry-After": str(seconds)}
        )
        self.rate: Rate = rate
        self.retry_after_seconds: int = seconds
