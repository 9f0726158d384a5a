"""How requests are counted: the section `rate_limits`."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from fastapi_factory_utilities.core.api.rate_limits.rate import parse_rate
from fastapi_factory_utilities.core.app.configuration.sections.rules import Section
from fastapi_factory_utilities.core.rules import broken_rule

__all__ = ["RateLimitsConfig"]


def _is_rate(text: str) -> str:
    try:
        parse_rate(text)
    except ValueError as error:
        raise broken_rule(str(error)) from None
    return text


class RateLimitsConfig(Section):
    """The section `rate_limits`; which routes have limits, the code says."""

    enabled: bool = Field(default=True, description="Whether the limits of routes hold.")
    storage: Literal["memory", "redis"] = Field(
        default="memory", description="Where requests are counted: in each process, or in the Redis of RedisPlugin."
    )
    max_clients: int = Field(
        default=100_000, ge=1, description="The clients that memory counts; who stayed away longest is forgotten."
    )
    redis_timeout_ms: int = Field(default=250, ge=1, description="How long a request waits for Redis.")
    redis_retry_seconds: float = Field(
        default=5.0, gt=0, description="How long each process counts for itself when Redis did not answer."
    )
    routes: Mapping[str, Annotated[str, AfterValidator(_is_rate)] | None] = Field(
        default_factory=dict, description="Rates that replace those in the code, by a limit's name; null is no limit."
    )
