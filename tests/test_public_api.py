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
    "aiormq",
    "beanie",
    "bson",
    "cryptography",
    "joserfc",
    "limits",
    "motor",
    "grpc",
    "opentelemetry",
    "pamqp",
    "prometheus_client",
    "pymongo",
    "pytest",
    "redis",
    "requests",
    "secantusdb",
    "sqlalchemy",
    "taskiq",
    "taskiq_redis",
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
        "PluginNotBoundError ProcessRole Provided Work",
    ),
    Door(
        "core.plugins.aiopika",
        "AbstractListener AbstractPublisher AiopikaPlugin AiopikaPluginBaseError Exchange ExchangeName GenericMessage "
        "Queue QueueName RoutingKey depends_aiopika_robust_connection",
        extra="amqp",
    ),
    Door(
        "core.plugins.odm_plugin",
        "AbstractRepository AbstractRepositoryInMemory BaseDocument ODMPlugin OperationError PersistedEntity "
        "UnableToCreateEntityDueToDuplicateKeyError depends_odm_client depends_odm_database",
        extra="mongo",
    ),
    Door(
        "core.plugins.aiohttp",
        "AioHttpClientError AioHttpClientPlugin AioHttpClientResource AioHttpPlugin AioHttpResourceDepends "
        "HttpServiceDependencyConfig",
        extra="http",
    ),
    Door("core.plugins.aiohttp.mockers", "build_mocked_aiohttp_resource build_mocked_aiohttp_response", extra="http"),
    Door(
        "core.plugins.opentelemetry_plugin",
        "OpenTelemetryConfig OpenTelemetryPlugin depends_meter_provider depends_tracer_provider trace_span",
        extra="otel",
    ),
    Door("core.telemetry", "NO_TELEMETRY Span SpanKind Telemetry trace_span"),
    Door("core.plugins.odm_plugin.documents", "BaseDocument", extra="mongo"),
    Door(
        "core.plugins.jwt_plugin",
        "JWTIssuerConfig JWTPlugin JWTPluginConfig depends_jwk_store depends_jwt_authentication_service",
        extra="jwt",
    ),
    Door("core.plugins.odm_plugin.mockers", "AbstractRepositoryInMemory", extra="mongo"),
    Door("core.plugins.odm_plugin.inbox", "InboxPlugin MongoInbox depends_inbox", extra="mongo"),
    Door("core.plugins.odm_plugin.outbox", "Outbox OutboxPlugin depends_outbox", extra="mongo"),
    Door("core.plugins.odm_plugin.repositories", "AbstractRepository", extra="mongo"),
    Door("core.plugins.redis_plugin", "RedisConfig RedisInbox RedisPlugin depends_redis_client", extra="redis"),
    Door(
        "core.plugins.taskiq_plugins",
        "SchedulerComponent TaskiqPlugin TaskiqPluginBaseError depends_scheduler_component",
        extra="taskiq",
    ),
    Door("core.api.rate_limits", "RateLimitedError rate_limit", extra="limits"),
    Door(
        "core.security",
        "KratosSecondFactorRequiredError KratosSessionAuthenticationService KratosSessionRequiredError "
        "require_kratos_session",
        extra="http",
    ),
    Door(
        "core.security.jwt",
        "InsufficientScopeError InvalidJWTError JWKStoreAbstract JWKStoreMemory JWTAuthenticationError "
        "JWTAuthenticationService JWTAuthenticationServiceAbstract JWTBearer JWTBearerAuthenticationConfig "
        "JWTBearerTokenDecoder JWTNoneVerifier JWTPayload JWTToken JWTVerifierAbstract MissingJWTCredentialsError "
        "NotVerifiedJWTError require_scopes",
        extra="jwt",
    ),
    Door("core.security.jwt.sources", "JWKStoreRemote KeySource KeySourceConfig", extra="jwt"),
    Door(
        "core.services.audit",
        "AbstractAuditPublisherService AuditEventObject AuditService AuditServiceError Redacted",
        extra="amqp",
    ),
    Door(
        "core.services.hydra",
        "HydraIntrospectGenericService HydraOAuth2ClientCredentialsService HydraOperationError HydraService",
        extra="http",
    ),
    Door(
        "core.services.kratos",
        "KratosGenericWhoamiService KratosIdentityGenericService KratosOperationError KratosService "
        "KratosSessionInvalidError",
        extra="http",
    ),
    Door(
        "core.services.status",
        "ComponentInstanceType ComponentTypeEnum HealthSimpleCalculatorStrategy HealthStatusEnum "
        "ReadinessSimpleCalculatorStrategy ReadinessStatusEnum Status StatusService StatusUpdateEvent "
        "depends_status_service",
    ),
    *(Door(f"core.utils.{path.stem}", "") for path in sorted((ROOT / "src" / PREFIX / "core/utils").glob("[a-z]*.py"))),
    Door(
        "testing",
        "BackendNotAvailable FaultProxy OtlpCollector SpanCapture assert_no_orphans assert_story mongo_server no_leaks "
        "postgres_server rabbitmq_server redis_server",
        extra="all",
        beside=TEST_TOOLS,
    ),
    Door("testing.amqp", "InMemoryBroker", extra="amqp", beside=TEST_TOOLS),
    Door("testing.ory", "FakeHydra FakeKratos", extra="http", beside=TEST_TOOLS),
    Door("testing.otlp", "OtlpCollector", extra="otel", beside=TEST_TOOLS),
    Door("testing.telemetry", "SpanCapture assert_no_orphans assert_story", beside=TEST_TOOLS),
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
    "path",
    [
        "",
        "core.app",
        "core.exceptions",
        "core.plugins",
        "core.plugins.aiohttp",
        "core.plugins.aiopika",
        "core.plugins.odm_plugin",
        "core.plugins.odm_plugin.inbox",
        "core.plugins.odm_plugin.outbox",
        "core.plugins.opentelemetry_plugin",
        "core.plugins.redis_plugin",
        "core.plugins.taskiq_plugins",
        "core.services.status",
        "core.telemetry",
    ],
)
def test_a_path_without_a_driver_imports_no_optional_package_even_where_they_are_installed(path: str) -> None:
    # FastAPI loads OpenTelemetry's API by itself where that is installed.
    found = look(Door(path, "", extra="all", beside=TEST_TOOLS), before="import fastapi, uvicorn")
    assert not OPTIONAL_PACKAGES & set(found["loaded"])


MISSING = "pip install 'fastapi-factory-utilities[{extra}]'"


@pytest.mark.parametrize(
    ("path", "name", "extra"),
    [
        ("odm_plugin", "BaseDocument", "mongo"),
        ("odm_plugin", "AbstractRepository", "mongo"),
        ("odm_plugin", "AbstractRepositoryInMemory", "mongo"),
        ("odm_plugin.outbox", "Outbox", "mongo"),
        ("odm_plugin.inbox", "MongoInbox", "mongo"),
        ("aiopika", "BrokerConnection", "amqp"),
        ("redis_plugin", "RedisInbox", "redis"),
        ("taskiq_plugins", "SchedulerComponent", "taskiq"),
        ("aiohttp", "AioHttpClientResource", "http"),
    ],
)
def test_a_name_whose_extra_is_missing_is_one_error_with_the_install_command(path: str, name: str, extra: str) -> None:
    done = run(environment(), f"from {PREFIX}.core.plugins.{path} import {name}")
    assert done.returncode != 0
    assert MISSING.format(extra=extra) in done.stderr.splitlines()[-1]
    assert "During handling" not in done.stderr
    assert "direct cause" not in done.stderr


@pytest.mark.parametrize(
    ("path", "plugin", "section", "extra"),
    [
        ("odm_plugin", "ODMPlugin()", {"odm": {"uri": "mongodb://127.0.0.1:9"}}, "mongo"),
        ("aiopika", "AiopikaPlugin()", {"aiopika": {"amqp_url": "amqp://127.0.0.1:9"}}, "amqp"),
        ("redis_plugin", "RedisPlugin()", {"redis": {"url": "redis://127.0.0.1:9"}}, "redis"),
        ("taskiq_plugins", "TaskiqPlugin('books')", {"redis": {"url": "redis://127.0.0.1:9"}}, "taskiq"),
        ("aiohttp", "AioHttpPlugin()", {"dependencies": {"http": {"books": {"url": "http://127.0.0.1:9"}}}}, "http"),
        ("opentelemetry_plugin", "OpenTelemetryPlugin()", {"opentelemetry": {}}, "otel"),
    ],
)
def test_a_plugin_whose_extra_is_missing_is_one_error_with_the_install_command(
    path: str, plugin: str, section: dict[str, object], extra: str
) -> None:
    name = plugin.partition("(")[0]
    code = f"""
from {PREFIX}.core.app import ApplicationAbstract, ApplicationGenericBuilder, RootConfig
from {PREFIX}.core.plugins.{path} import {name}

class App(ApplicationAbstract): ...

config = RootConfig(application=dict(
    service_namespace="shop", service_name="books", description="", version="1", environment="production"))
builder = ApplicationGenericBuilder(application_class=App, plugins=[{plugin}])
builder.add_config(config).add_config({section!r}).build()
"""
    done = run(environment(), code)
    assert done.returncode != 0
    assert MISSING.format(extra=extra) in done.stderr.splitlines()[-1]
