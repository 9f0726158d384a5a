"""Which configurations of a key source are taken."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from fastapi_factory_utilities.core.security.jwt.sources import KeySourceConfig

ISSUER = "https://login.example/realms/shop"


@pytest.mark.parametrize(
    "entry",
    [
        {"issuer": ISSUER},
        {"issuer": "https://login.example:8443/"},
        {"issuer": "accounts.example", "jwks_url": "https://keys.example/jwks?version=2"},
        {"issuer": "http://hydra:4444/", "allow_http": True},
        {"issuer": ISSUER, "jwks_url": "http://[::1]:80/jwks", "allow_http": "yes"},
    ],
)
def test_these_are_taken(entry: dict[str, Any]) -> None:
    assert KeySourceConfig.model_validate(entry).issuer == entry["issuer"]


@pytest.mark.parametrize(
    ("entry", "about"),
    [
        ({}, "issuer"),
        ({"issuer": ""}, "issuer"),
        ({"issuer": "http://login.example"}, "allow_http"),
        ({"issuer": "login.example"}, "jwks_url"),
        ({"issuer": "https://hunter2@login.example"}, "credentials"),
        ({"issuer": "https://login.example?tenant=hunter2"}, "query"),
        ({"issuer": "https://login.example#hunter2"}, "fragment"),
        ({"issuer": "https://login.example:hunter2"}, "https URL"),
        ({"issuer": "https://login.example/hunter2\n"}, "https URL"),
        ({"issuer": ISSUER, "jwks_url": "http://login.example/hunter2"}, "allow_http"),
        ({"issuer": ISSUER, "jwks_url": "file:///hunter2", "allow_http": True}, "https URL"),
        ({"issuer": ISSUER, "jwks_url": "/hunter2"}, "https URL"),
        ({"issuer": ISSUER, "jwks_url": "https://user:hunter2@login.example/jwks"}, "credentials"),
        ({"issuer": ISSUER, "stale_seconds": 100}, "refresh_seconds"),
        ({"issuer": ISSUER, "unknown_kid_seconds": 0}, "unknown_kid_seconds"),
        ({"issuer": ISSUER, "ssl_ca_path": "/hunter2"}, "no such file"),
        ({"issuer": ISSUER, "ssl_ca_path": str(Path(__file__).parent)}, "no such file"),
        ({"issuer": ISSUER, "jwks_uri": "hunter2"}, "jwks_uri"),
    ],
)
def test_a_wrong_one_is_refused_in_words_without_the_value(entry: dict[str, Any], about: str) -> None:
    with pytest.raises(ValidationError, match=about) as told:
        KeySourceConfig.model_validate(entry)
    assert "hunter2" not in str(told.value)
