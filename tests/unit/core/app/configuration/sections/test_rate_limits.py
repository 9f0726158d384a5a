"""How requests are counted."""

import pytest
from pydantic import ValidationError

from fastapi_factory_utilities.core.app.config import RateLimitsConfig


def test_rates_replace_those_in_the_code() -> None:
    config = RateLimitsConfig.model_validate({"routes": {"login": "3/minute", "GET /search": None}})

    assert config.routes == {"login": "3/minute", "GET /search": None}
    assert config.storage == "memory"


def test_what_is_no_rate_stops_the_start_with_an_example() -> None:
    with pytest.raises(ValidationError, match="must be a rate such as 5/minute"):
        RateLimitsConfig(routes={"login": "often"})


@pytest.mark.parametrize("key", ["max_clients", "redis_timeout_ms", "redis_retry_seconds"])
def test_nothing_is_waited_for_or_kept_in_negative_numbers(key: str) -> None:
    with pytest.raises(ValidationError):
        RateLimitsConfig.model_validate({key: 0})
