"""`config show` has every effective value with its origin; `config schema` helps editors and never misleads them."""

import json
from typing import Any

import pytest
from pydantic import ConfigDict, Field, SecretStr

from fastapi_factory_utilities.core.app.config import FrozenModel, RootConfig
from fastapi_factory_utilities.core.app.loading import (
    ConfigBuilderError,
    build_config,
    effective,
    json_schema,
    read_settings,
)
from fastapi_factory_utilities.core.plugins.config import ConnectionConfig, PluginConfig

APPLICATION = {
    "service_namespace": "library",
    "service_name": "books",
    "description": "Keeps books.",
    "version": "0.1.0",
    "environment": "staging",
}


class Store(ConnectionConfig):
    """Where the books are."""

    uri: SecretStr = Field(description="Where it is.")


class Callback(FrozenModel):
    function: Any = print


class Books(FrozenModel):
    model_config = ConfigDict(extra="allow")
    size: int = Field(default=20, description="How many to a page.")


class AppConfig(RootConfig):
    books: Books = Books()


def _rows(**environ: str) -> dict[str, tuple[Any, str]]:
    settings = read_settings(
        package_name="",
        config_class=AppConfig,
        sections={"store": Store, "cache": Store},
        environ={"APP__CACHE__ENABLED": "no", "APP__STORE__URI": "mongodb://u:pw@host", **environ},
        env_file=None,
        secrets_dir=None,
        overrides={"application": APPLICATION, "books": {"unforeseen": 1}},
    )
    return {row.path: (row.value, str(row.origin)) for row in effective(settings, build_config(settings))}


def test_every_value_is_listed_with_its_origin() -> None:
    rows = _rows(APP__LOGGING='[{"name": "root", "level": "debug"}]', APP__CORS__ALLOW_ORIGINS='["https://a.example"]')

    assert rows["application.service_name"] == ("books", "add_config()")
    assert rows["application.environment"] == ("staging", "add_config()")
    assert rows["server.port"] == (8000, "default")
    assert rows["logging[0].level"] == (10, "env APP__LOGGING")
    assert rows["cors.allow_origins"] == (["https://a.example"], "env APP__CORS__ALLOW_ORIGINS")
    assert rows["logging_mode"] == ("json", "default")
    assert rows["books.size"] == (20, "default")
    assert rows["books.unforeseen"] == (1, "add_config()")
    assert rows["store.health_check.failure_threshold"] == (3, "default")
    assert json.dumps([value for value, _ in rows.values()])


def test_secrets_are_masked() -> None:
    assert _rows()["store.uri"] == ("***", "env APP__STORE__URI")


def test_of_a_plugin_that_is_off_only_that_is_listed() -> None:
    rows = _rows()

    assert {path: row for path, row in rows.items() if path.startswith("cache")} == {
        "cache.enabled": (False, "env APP__CACHE__ENABLED")
    }


def _property(schema: dict[str, Any], *path: str) -> dict[str, Any]:
    for part in path:
        while "$ref" in schema:
            schema = _SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
        schema = schema["properties"][part]
    return schema


_SCHEMA = json_schema(AppConfig, {"store": Store})


def test_the_schema_has_every_section_with_descriptions() -> None:
    assert _SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert {"application", "server", "books", "store"} <= _SCHEMA["properties"].keys()
    assert _property(_SCHEMA, "books", "size")["description"] == "How many to a page."
    assert _SCHEMA["$defs"]["Store"]["description"] == "Where the books are."
    for section in ("application", "server", "cors", "development", "docs", "liveness", "dependencies", "store"):
        for name, schema in _SCHEMA["$defs"][_property(_SCHEMA, section)["$ref"].rpartition("/")[2]][
            "properties"
        ].items():
            assert schema.get("description"), f"{section}.{name}"


def test_a_placeholder_may_stand_for_any_value() -> None:
    placeholder = {"type": "string", "pattern": r"\$\{"}

    assert placeholder in _property(_SCHEMA, "server", "port")["anyOf"]
    assert placeholder in _property(_SCHEMA, "server", "access_log")["anyOf"]
    assert placeholder in _SCHEMA["$defs"]["EnvironmentEnum"]["anyOf"]


def test_nothing_is_required_since_other_sources_may_give_it() -> None:
    assert '"required": [' not in json.dumps(_SCHEMA)


def test_a_key_that_is_called_required_is_still_there() -> None:
    assert _property(_SCHEMA, "store", "required")["description"]


def test_what_json_schema_cannot_say_is_left_open() -> None:
    class Odd(RootConfig):
        model_config = ConfigDict(arbitrary_types_allowed=True)
        callback: Callback = Callback()
        strange: Any = Field(default=None)
        raw: type[int] = int

    assert "raw" in json_schema(Odd)["properties"]


def test_a_section_that_is_declared_as_something_else_has_no_schema() -> None:
    class Wrong(RootConfig):
        store: Books = Books()

    with pytest.raises(ConfigBuilderError, match="is no PluginConfig"):
        json_schema(Wrong, {"store": PluginConfig})
