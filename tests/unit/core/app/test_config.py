"""`RootConfig` has the sections and defaults that services rely on, and nothing in it changes."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from fastapi_factory_utilities.core.app.config import (
    DocsConfig,
    EnvironmentEnum,
    LoggingModeEnum,
    RootConfig,
)
from fastapi_factory_utilities.core.app.configuration.shape import Shape

APPLICATION = {
    "service_namespace": "library",
    "service_name": "books",
    "description": "Keeps books.",
    "version": "0.1.0",
    "environment": "production",
}


def _config(environment: str = "production", **sections: Any) -> RootConfig:
    return RootConfig.model_validate({"application": {**APPLICATION, "environment": environment}, **sections})


def test_the_sections_and_their_defaults() -> None:
    config = _config()

    assert set(RootConfig.model_fields) == {
        "application",
        "server",
        "cors",
        "csrf",
        "security_headers",
        "rate_limits",
        "development",
        "docs",
        "logging",
        "logging_mode",
        "liveness",
        "dependencies",
    }
    assert config.application.root_path == ""
    assert (config.development.debug, config.development.reload) == (False, False)
    assert config.logging == ()
    assert config.liveness.max_stall_seconds == 10.0
    assert config.dependencies.http == {}


def test_the_application_section_is_required() -> None:
    with pytest.raises(ValidationError):
        RootConfig.model_validate({})


def test_an_environment_is_a_text() -> None:
    assert isinstance(EnvironmentEnum.STAGING, str)
    assert f"{EnvironmentEnum.STAGING}" == "staging"
    assert {member.value for member in EnvironmentEnum} == {"development", "staging", "production"}


@pytest.mark.parametrize(
    ("environment", "mode"), [("development", "console"), ("staging", "json"), ("production", "json")]
)
def test_logs_are_for_people_only_while_they_develop(environment: str, mode: str) -> None:
    assert _config(environment).logging_mode is LoggingModeEnum(mode)
    assert _config(environment, logging_mode="console").logging_mode is LoggingModeEnum.CONSOLE


@pytest.mark.parametrize(("environment", "enabled"), [("development", True), ("staging", False), ("production", False)])
def test_documents_are_served_only_while_developing_unless_told_otherwise(environment: str, enabled: bool) -> None:
    assert _config(environment).docs_enabled is enabled
    assert _config(environment, docs={"enabled": not enabled}).docs_enabled is not enabled
    assert DocsConfig().enabled is None


def test_everything_is_frozen() -> None:
    config = _config()

    with pytest.raises(ValidationError):
        config.server = config.server  # type: ignore[misc]  # that is the point
    with pytest.raises(ValidationError):
        config.server.port = 1  # type: ignore[misc]  # that is the point


def test_unknown_keys_are_refused_without_their_value() -> None:
    with pytest.raises(ValidationError) as raised:
        _config(servr={"password": "geheim"})

    assert "geheim" not in str(raised.value)


def test_importing_it_costs_no_yaml_and_no_settings_library() -> None:
    program = "import sys, fastapi_factory_utilities.core.app.config; print(*sys.modules)"

    modules = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()

    assert not {"yaml", "pydantic_settings", "dotenv", "difflib"} & set(modules)


def _keys(model: type[BaseModel], above: str = "") -> Iterator[str]:
    """Every key with its default, as the page about configuration writes them."""
    for name, info in model.model_fields.items():
        shape, path = Shape.of(info.annotation), f"{above}{name}"
        if shape.models and not shape.accepts_none:
            yield from _keys(shape.models[0], f"{path}.")
            continue
        if name == "logging_mode":
            default = "`console` or `json`"
        elif info.is_required():
            default = "required"
        else:
            value = info.get_default(call_default_factory=True, validated_data={})
            default = f"`{json.dumps(value, default=sorted)}`"  # a set has no order of its own
        yield f"| `{path}` | {default} | {info.description} |"
        if inner := shape.item().models:
            yield from _keys(inner[0], f"{path}[].")
        if name == "http":
            yield from _keys(shape.child("any").models[0], f"{path}.<name>.")


def test_the_documentation_has_every_key_with_its_default() -> None:
    page = (Path(__file__).parents[4] / "docs" / "configuration.md").read_text(encoding="utf-8")

    expected = list(_keys(RootConfig))

    assert [line for line in page.splitlines() if line.startswith("| `")] == expected
