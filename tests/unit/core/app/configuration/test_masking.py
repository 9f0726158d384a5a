"""Secrets are found wherever they are, and shown nowhere."""

from datetime import date
from enum import Enum
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, SecretBytes, SecretStr
from pydantic.networks import MongoDsn

from fastapi_factory_utilities.core.app.configuration.masking import masked, secret_values


class _Colour(Enum):
    RED = "red"


class _Client(BaseModel):
    token: SecretStr = SecretStr("")
    url: str = ""


class _Root(BaseModel):
    model_config = ConfigDict(extra="allow")
    password: SecretStr = SecretStr("sesame")
    raw: SecretBytes = SecretBytes(b"bytes!")
    dsn: MongoDsn | None = None
    uri: SecretStr | None = None
    client: _Client = _Client()
    clients: dict[str, _Client] = {}
    several: list[_Client] = []
    number: int = 4


def test_every_secret_of_a_configuration_is_given() -> None:
    config = _Root.model_validate(
        {
            "dsn": "mongodb://u:dsn-password@a,b/db",
            "uri": "amqp://u:p%40ss%2F1@host/",
            "clients": {"mail": {"token": "of-mail", "url": "https://u:of-url@host/"}},
            "several": [{"token": "of-one"}, {"url": "https://host/@x"}],
            "unforeseen": SecretStr("extra-secret"),
        }
    )

    assert secret_values(config) == {
        "sesame",
        "bytes!",
        "dsn-password",
        "amqp://u:p%40ss%2F1@host/",
        "p%40ss%2F1",
        "p@ss/1",
        "of-mail",
        "of-url",
        "of-one",
        "extra-secret",
    }


@pytest.mark.parametrize(
    ("value", "key", "shown"),
    [
        (SecretStr("x"), "uri", "***"),
        (SecretBytes(b"x"), "uri", "***"),
        (SecretStr(""), "password", ""),
        ("x", "password", "***"),
        ("x", "api_key", "***"),
        (12345, "password", "***"),
        ("", "password", ""),
        (None, "password", None),
        ("mongodb://user:pw@host/db", "uri", "mongodb://user:***@host/db"),
        ("https://host/path", "url", "https://host/path"),
        (_Colour.RED, "colour", "red"),
        (Path("/a/b"), "path", "/a/b"),
        (date(2024, 5, 31), "day", "2024-05-31"),
        (b"abc", "data", "3 bytes"),
        (True, "flag", True),
        (1.5, "ratio", 1.5),
        (("a", "b"), "names", ["a", "b"]),
        ({"password": "x", "user": "y"}, "login", {"password": "***", "user": "y"}),
        (_Client(token=SecretStr("x")), "client", {"token": "***", "url": ""}),
    ],
)
def test_a_value_is_shown_without_secrets(value: object, key: str, shown: object) -> None:
    assert masked(value, key) == shown
