"""Rates as people write them."""

import pytest

from fastapi_factory_utilities.core.api.rate_limits import Rate, RateLimitedError, parse_rate


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("5/minute", Rate(5, 60)),
        ("5 / minutes", Rate(5, 60)),
        ("100/10 seconds", Rate(100, 10)),
        ("100/10second", Rate(100, 10)),
        ("1/HOUR", Rate(1, 3600)),
        (" 7/2 days ", Rate(7, 172_800)),
    ],
)
def test_a_rate_is_a_number_in_a_time(text: str, rate: Rate) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize(
    "text",
    ["", "5", "0/minute", "-1/minute", "5/0 seconds", "5/fortnight", "5 per minute", "1.5/minute", "5/minute;6/hour"],
)
def test_what_is_no_rate_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="such as 5/minute"):
        parse_rate(text)


def test_a_client_is_told_to_wait_at_least_a_second_and_never_too_short() -> None:
    assert RateLimitedError(Rate(5, 60), 0.0).retry_after_seconds == 1
    error = RateLimitedError(Rate(5, 60), 12.1)
    assert error.headers == {"Retry-After": "13"}
    assert error.detail == "Too many requests: 5 in 60 s are served. Try again in 13 s."
