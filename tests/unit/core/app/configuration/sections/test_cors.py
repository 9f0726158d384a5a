"""Browsers get what is configured, and credentials never go to everybody."""

from typing import Any

import pytest
from pydantic import ValidationError

from fastapi_factory_utilities.core.app.config import CorsConfig


def test_nobody_is_allowed_by_default() -> None:
    config = CorsConfig()

    assert config.allow_origins == ()
    assert config.allow_origin_regex is None
    assert config.allow_credentials is False


@pytest.mark.parametrize("origin", ["*", "null", "https://a.example", "http://localhost:3000", "http://[::1]:80"])
def test_an_origin_is_scheme_host_and_port(origin: str) -> None:
    assert CorsConfig(allow_origins=(origin,)).allow_origins == (origin,)


@pytest.mark.parametrize(
    "origin", ["https://a.example/", "a.example", "https://", "https://a.example/x", "https://u@h", ""]
)
def test_what_no_browser_would_send_is_refused(origin: str) -> None:
    with pytest.raises(ValidationError, match="must be an origin such as"):
        CorsConfig(allow_origins=(origin,))


@pytest.mark.parametrize(
    "values",
    [{"allow_origins": ["*"]}, {"allow_origins": ["https://a.example", "*"]}]
    + [{"allow_origin_regex": pattern} for pattern in (".*", "https?://.*", r"https://[^/]+")],
)
def test_credentials_are_not_for_everybody(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="allow_credentials cannot be used with"):
        CorsConfig.model_validate({**values, "allow_credentials": True})


def test_credentials_are_for_origins_that_are_known() -> None:
    config = CorsConfig.model_validate(
        {
            "allow_origins": ["https://a.example"],
            "allow_origin_regex": r"https://[a-z]+\.a\.example",
            "allow_credentials": True,
        }
    )

    assert config.allow_credentials is True


def test_a_pattern_must_be_one() -> None:
    with pytest.raises(ValidationError, match="must be a regular expression"):
        CorsConfig(allow_origin_regex="(")
