"""External services by name."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from fastapi_factory_utilities.core.app.config import DependencyConfig, HttpServiceDependencyConfig


def test_services_are_known_by_name() -> None:
    config = DependencyConfig.model_validate(
        {"http": {"mail": {"url": "https://mail.example"}}, "kratos_public": {"url": "http://kratos:4433"}}
    )

    assert config.http["mail"].url == "https://mail.example"
    assert config.http["mail"].limit == 100
    assert config.kratos_public is not None
    assert config.hydra_admin is None


@pytest.mark.parametrize("url", ["http://a", "https://a.example:8443/path?x=1", "http://[::1]:80", "http://u:p@host"])
def test_a_url_is_kept_as_it_is_written(url: str) -> None:
    assert HttpServiceDependencyConfig(url=url).url == url


@pytest.mark.parametrize(
    "url", ["", "a.example", "ftp://a.example", "http://", "http://a:port", "http://a:0", "http://a b", "http://[::1"]
)
def test_what_cannot_be_called_over_http_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="must be a URL such as"):
        HttpServiceDependencyConfig(url=url)


@pytest.mark.parametrize(
    "values", [{"limit": -1}, {"graceful_shutdown_timeout": -1}, {"ssl_ca_path": "/no/where"}, {"limt": 1}]
)
def test_values_that_make_no_sense_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        HttpServiceDependencyConfig.model_validate({"url": "http://a", **values})


def test_the_defaults_of_all_parts_fit_each_other() -> None:
    entry = HttpServiceDependencyConfig(url="http://a")

    assert entry.timeout.total_seconds >= entry.timeout.attempt_seconds
    assert entry.breaker.window_seconds >= 2 * entry.timeout.attempt_seconds
    assert entry.retry.budget_ratio <= 0.2


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"timeout": {"total_seconds": 9, "attempt_seconds": 10}}, "total_seconds must be at least attempt_seconds"),
        ({"breaker": {"window_seconds": 19}}, "window_seconds must be at least twice timeout.attempt_seconds"),
        ({"timeout": {"attempt_seconds": 20}}, "window_seconds must be at least twice timeout.attempt_seconds"),
    ],
)
def test_parts_that_cancel_each_other_are_refused(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        HttpServiceDependencyConfig.model_validate({"url": "http://a", **values})


def test_a_breaker_that_is_off_needs_no_window() -> None:
    breaker = {"enabled": False, "window_seconds": 1}

    assert not HttpServiceDependencyConfig.model_validate({"url": "http://a", "breaker": breaker}).breaker.enabled


def test_the_shorthands_are_services_like_others_and_named_once() -> None:
    config = DependencyConfig.model_validate(
        {"http": {"mail": {"url": "http://a"}}, "hydra_admin": {"url": "http://h"}}
    )
    twice = {"http": {"hydra_admin": {"url": "http://a"}}, "hydra_admin": {"url": "http://h"}}

    assert sorted(config.http_services()) == ["hydra_admin", "mail"]
    with pytest.raises(ValidationError, match="hydra_admin is there twice"):
        DependencyConfig.model_validate(twice)


def test_a_key_needs_its_certificate(tmp_path: Path) -> None:
    (tmp_path / "key.pem").touch()

    with pytest.raises(ValidationError, match="ssl_keyfile has no effect without ssl_certfile"):
        HttpServiceDependencyConfig(url="http://a", ssl_keyfile=tmp_path / "key.pem")
