from typing import Any

import pytest
from pydantic import ValidationError

from fastapi_factory_utilities.core.plugins.odm_plugin import ODMConfig

CANARY = "planted-secret"


def config(uri: str = "mongodb://host", **values: Any) -> ODMConfig:
    return ODMConfig.model_validate({"uri": uri, **values})


def test_only_the_uri_is_required() -> None:
    assert ODMConfig.model_fields["uri"].is_required()
    defaults = config()
    assert (defaults.database, defaults.connection_timeout_ms, defaults.operation_timeout_ms) == ("test", 4000, 3000)
    assert (defaults.enabled, defaults.required) == (True, True)


@pytest.mark.parametrize(
    ("uri", "database"),
    [
        ("mongodb://host", "test"),
        ("mongodb://host/", "test"),
        ("mongodb://host/?w=1", "test"),
        ("mongodb://host/books", "books"),
        ("mongodb://u:p%2Fx@one:1,two:2/books?replicaSet=r", "books"),
        ("mongodb+srv://host.example/books", "books"),
        ("mongodb://host/b%C3%BCcher", "bücher"),
    ],
)
def test_the_database_is_the_one_that_the_uri_names(uri: str, database: str) -> None:
    assert config(uri).database == database
    assert config(uri, database="other").database == "other"


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        (CANARY, "must begin with mongodb://"),
        (f"http://u:{CANARY}@host", "must begin with mongodb://"),
        (f"mongodb://u:{CANARY}@", "must be a MongoDB URI"),
        (f"mongodb://u:{CANARY}/x@host", "must be a MongoDB URI"),
        (f"mongodb://u:{CANARY}?x@host", "must be a MongoDB URI"),
        (f"mongodb://host:{CANARY}", "must be a MongoDB URI"),
        (f"mongodb://host/?maxPoolSize={CANARY}", "options after the .*: maxPoolSize"),
        (f"mongodb://host/?w=1&tlss={CANARY}&tls=true", "options after the .*: tlss"),
    ],
)
def test_a_bad_uri_is_refused_without_being_quoted(uri: str, says: str) -> None:
    with pytest.raises(ValidationError, match=says) as caught:
        config(uri)
    assert CANARY not in str(caught.value)


def test_a_host_to_be_asked_of_dns_is_not_asked_of_it() -> None:
    assert config("mongodb+srv://no-such-host.invalid/books").database == "books"


@pytest.mark.parametrize(
    "values",
    [
        {"database": ""},
        {"database": "a b"},
        {"database": "a/b"},
        {"database": "x" * 64},
        {"uri": "mongodb://host/a%20b"},
        {"operation_timeout_ms": 0},
        {"connection_timeout_ms": -1},
        {"max_pool_size": 0},
        {"min_pool_size": 3, "max_pool_size": 2},
        {"databse": "x"},
    ],
)
def test_a_value_that_cannot_be_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        config(**values)


def test_the_uri_is_told_to_nobody() -> None:
    secret = config(f"mongodb://u:{CANARY}@host")
    assert CANARY not in f"{secret!r} {secret} {secret.model_dump()} {secret.model_dump_json()}"


def test_an_option_of_the_uri_is_left_to_it_unless_the_section_says_otherwise() -> None:
    uri = "mongodb://host/?maxpoolsize=7&timeoutMS=9&w=1"
    assert config(uri).client_options() == {
        "connectTimeoutMS": 4000,
        "serverSelectionTimeoutMS": 4000,
        "minPoolSize": 0,
    }
    assert config(uri, max_pool_size=5).client_options()["maxPoolSize"] == 5
    assert config(max_pool_size=5).client_options()["timeoutMS"] == 3000
