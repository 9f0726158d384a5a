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


def test_a_key_needs_its_certificate(tmp_path: Path) -> None:
    (tmp_path / "key.pem").touch()

    with pytest.raises(ValidationError, match="ssl_keyfile has no effect without ssl_certfile"):
        HttpServiceDependencyConfig(url="http://a", ssl_keyfile=tmp_path / "key.pem")
