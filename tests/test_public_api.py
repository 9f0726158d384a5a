"""The names people write programs against.

Every public path is imported cold: from the built wheel, in a process of its own, with only its extra installed.
"""

import json
from dataclasses import dataclass

import pytest

from tests.packaging.installed import ROOT, environment, run, together

pytestmark = together

PREFIX = "fastapi_factory_utilities"

TEST_TOOLS = ("pytest", "psutil")  # what the users of `testing` have

OPTIONAL_PACKAGES = {
    "aio_pika",
    "aiohttp",
    "beanie",
    "bson",
    "motor",
    "opentelemetry",
    "pymongo",
    "pytest",
    "redis",
    "secantusdb",
    "sqlalchemy",
    "taskiq",
    "testcontainers",
}


@dataclass(frozen=True)
class Door:
    """A public path: the names promised there, the extra it needs, and what a user of it has installed anyway."""

    path: str
    names: str
    extra: str = ""
    beside: tuple[str, ...] = ()

    @property
    def module(self) -> str:
        return f"{PREFIX}.{self.path}".rstrip(".")


DOORS = [
    Door("", "__version__"),
    Door(
        "core.app",
        "ApplicationAbstract ApplicationGenericBuilder BaseApplicationConfig ConfigBuilderError DependencyConfig "
        "EnvironmentEnum RootConfig depends_application_config depends_dependency_config depends_root_config",
    ),
    Door("core.exceptions", "FastAPIFactoryUtilitiesError"),
    Door(
        "core.plugins",
        "ConnectionPlugin MissingExtraError PluginAbstract PluginConfig PluginContext PluginNotActiveError "
        "PluginNotBoundError Provided",
    ),
    Door(
        "core.plugins.odm_plugin",
        "AbstractRepository AbstractRepositoryInMemory BaseDocument ODMPlugin OperationError PersistedEntity "
        "UnableToCreateEntityDueToDuplicateKeyError depends_odm_client depends_odm_database",
        extra="mongo",
    ),
    Door("core.plugins.odm_plugin.documents", "BaseDocument", extra="mongo"),
    Door("core.plugins.odm_plugin.mockers", "AbstractRepositoryInMemory", extra="mongo"),
    Door("core.plugins.odm_plugin.repositories", "AbstractRepository", extra="mongo"),
    Door(
        "core.services.status",
        "ComponentInstanceType ComponentTypeEnum HealthSimpleCalculatorStrategy HealthStatusEnum "
        "ReadinessSimpleCalculatorStrategy ReadinessStatusEnum Status StatusService StatusUpdateEvent "
        "depends_status_service",
    ),
    *(Door(f"core.utils.{path.stem}", "") for path in sorted((ROOT / "src" / PREFIX / "core/utils").glob("[a-z]*.py"))),
    Door("testing", "BackendNotAvailable FaultProxy mongo_server no_leaks postgres_server", beside=TEST_TOOLS),
]

LOOK = """
import importlib, json, sys
{before}
before = set(sys.modules)
module = importlib.import_module({module!r})
loaded = sorted({{name.split(".")[0] for name in set(sys.modules) - before}})
promised = list(getattr(module, "__all__", []))
missing = [name for name in promised if not hasattr(module, name)]
print(json.dumps({{"all": promised, "missing": missing, "loaded": loaded}}))
"""


def look(door: Door, before: str = "") -> dict[str, list[str]]:
    done = run(environment(door.extra, door.beside), LOOK.format(module=door.module, before=before))
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def in_reading_order(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions, each by name: the order that ruff keeps `__all__` in."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.module)
def test_a_public_path_imports_cold_and_keeps_its_promise(door: Door) -> None:
    found = look(door)
    assert found["all"], f"{door.module} has no __all__"
    assert not set(door.names.split()) - set(found["all"])
    assert not found["missing"]
    assert found["all"] == sorted(found["all"], key=in_reading_order)


@pytest.mark.parametrize(
    "path", ["", "core.app", "core.exceptions", "core.plugins", "core.plugins.odm_plugin", "core.services.status"]
)
def test_a_path_without_a_driver_imports_no_optional_package_even_where_they_are_installed(path: str) -> None:
    # FastAPI loads OpenTelemetry's API by itself where that is installed.
    found = look(Door(path, "", extra="all", beside=TEST_TOOLS), before="import fastapi, uvicorn")
    assert not OPTIONAL_PACKAGES & set(found["loaded"])


MISSING = "pip install 'fastapi-factory-utilities[mongo]'"


@pytest.mark.parametrize("name", ["BaseDocument", "AbstractRepository", "AbstractRepositoryInMemory"])
def test_a_name_whose_extra_is_missing_is_one_error_with_the_install_command(name: str) -> None:
    code = f"from {PREFIX}.core.plugins.odm_plugin import {name}"
    done = run(environment(), code)
    assert done.returncode != 0
    assert MISSING in done.stderr.splitlines()[-1]
    assert "During handling" not in done.stderr
    assert "direct cause" not in done.stderr


def test_a_plugin_whose_extra_is_missing_is_one_error_with_the_install_command() -> None:
    code = f"""
from {PREFIX}.core.app import ApplicationAbstract, ApplicationGenericBuilder, RootConfig
from {PREFIX}.core.plugins.odm_plugin import ODMPlugin

class App(ApplicationAbstract): ...

config = RootConfig(application=dict(
    service_namespace="shop", service_name="books", description="", version="1", environment="production"))
odm = {{"odm": {{"uri": "mongodb://127.0.0.1:9"}}}}
ApplicationGenericBuilder(application_class=App, plugins=[ODMPlugin()]).add_config(config).add_config(odm).build()
"""
    done = run(environment(), code)
    assert done.returncode != 0
    assert MISSING in done.stderr.splitlines()[-1]
