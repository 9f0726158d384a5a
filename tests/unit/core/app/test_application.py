"""What an application promises to the person who writes a service."""

import asyncio
import logging
from collections.abc import Callable
from typing import Annotated, Any, ClassVar

import pytest
from fastapi import APIRouter, Depends
from pydantic import SecretStr
from starlette.testclient import TestClient

from fastapi_factory_utilities.core.app import (
    ApplicationAbstract,
    ApplicationGenericBuilder,
    BaseApplicationConfig,
    ConfigBuilderError,
    DependencyConfig,
    RootConfig,
    depends_application_config,
    depends_dependency_config,
    depends_root_config,
)
from fastapi_factory_utilities.core.exceptions import ApplicationError
from fastapi_factory_utilities.core.plugins import (
    FrozenModel,
    PluginAbstract,
    PluginConfig,
    PluginStartError,
    ProcessRole,
)
from fastapi_factory_utilities.core.services.status import StatusService, depends_status_service

APPLICATION = {
    "service_namespace": "tests",
    "service_name": "sample",
    "description": "A sample.",
    "version": "1.2.3",
    "environment": "production",
}


class BooksConfig(FrozenModel):
    page_size: int = 20


class AppConfig(RootConfig):
    books: BooksConfig = BooksConfig()


class App(ApplicationAbstract[AppConfig]):
    def configure(self) -> None:
        @self.get_asgi_app().get("/hello")
        async def hello() -> str:
            return "hello"


class AppBuilder(ApplicationGenericBuilder[App]):
    pass


class CacheConfig(PluginConfig):
    size: int


class CachePlugin(PluginAbstract[CacheConfig]):
    section = "cache"


def builder(*plugins: PluginAbstract[Any], **sections: Any) -> AppBuilder:
    made = AppBuilder(plugins=plugins)
    made.add_config({"application": APPLICATION, **sections})
    return made


class Recorder(PluginAbstract):
    def __init__(self, label: str, log: list[str]) -> None:
        super().__init__()
        self.label, self.log = label, log

    @property
    def name(self) -> str:
        return self.label

    def on_load(self) -> None:
        self.log.append(f"load {self.label}")

    async def on_startup(self) -> None:
        self.log.append(f"start {self.label}")

    async def on_shutdown(self) -> None:
        self.log.append(f"stop {self.label}")


def test_hooks_run_in_the_promised_order() -> None:
    log: list[str] = []

    class Ordered(ApplicationAbstract):
        def configure(self) -> None:
            state = self.get_asgi_app().state
            assert state.config is self.get_config()
            assert state.application is self
            assert state.status_service is self.get_status_service()
            log.append("configure")

        async def on_startup(self) -> None:
            log.append("start app")

        async def on_shutdown(self) -> None:
            log.append("stop app")

    made = ApplicationGenericBuilder([Recorder("a", log), Recorder("b", log)], application_class=Ordered)
    app = made.add_config({"application": APPLICATION}).build()
    assert log == ["load a", "load b", "configure"]
    with TestClient(app):
        pass
    assert log[3:] == ["start a", "start b", "start app", "stop app", "stop b", "stop a"]


def test_the_application_is_an_asgi_application_and_so_is_its_fastapi_object() -> None:
    app = builder().build()
    for asgi in (app, app.get_asgi_app()):
        with TestClient(asgi) as client:
            assert client.get("/hello").json() == "hello"
            assert client.get("/api/v1/sys/readiness").json() == {"status": "ready"}


def test_it_can_run_twice_in_a_row() -> None:
    app = builder().build()
    for _ in range(2):
        with TestClient(app) as client:
            assert client.get("/api/v1/sys/readiness").status_code == 200
            assert client.get("/api/v1/sys/startup").status_code == 200
            assert "connection" not in client.get("/hello").headers


def test_get_config_is_the_subclass_s_configuration() -> None:
    app = builder(books={"page_size": 5}).build()
    assert App.CONFIG_CLASS is AppConfig
    assert isinstance(app.get_config(), AppConfig)
    assert app.get_config().books.page_size == 5


def test_the_configuration_class_may_be_named_in_the_class_body() -> None:
    class Named(ApplicationAbstract):
        CONFIG_CLASS: ClassVar[type[RootConfig]] = AppConfig

    app = ApplicationGenericBuilder(application_class=Named).add_config({"application": APPLICATION}).build()
    assert isinstance(app.get_config(), AppConfig)


def test_state_keys_are_given_once() -> None:
    app = builder().build()
    app.add_to_state("answer", 42)
    assert app.get_asgi_app().state.answer == 42
    for key in ("answer", "config", "application", "status_service"):
        with pytest.raises(ValueError, match=key):
            app.add_to_state(key, 1)


def test_configuration_and_status_are_dependencies() -> None:
    router = APIRouter()

    @router.get("/")
    async def read(
        root: Annotated[RootConfig, Depends(depends_root_config)],
        application: Annotated[BaseApplicationConfig, Depends(depends_application_config)],
        dependencies: Annotated[DependencyConfig, Depends(depends_dependency_config)],
        status: Annotated[StatusService, Depends(depends_status_service)],
    ) -> list[str]:
        assert root.dependencies is dependencies
        return [root.application.service_name, application.version, status.status.health.value]

    class Routed(ApplicationAbstract):
        def configure(self) -> None:
            self.get_asgi_app().include_router(router)

    app = ApplicationGenericBuilder(application_class=Routed).add_config({"application": APPLICATION}).build()
    assert TestClient(app).get("/").json() == ["sample", "1.2.3", "healthy"]


def test_building_twice_gives_two_independent_applications() -> None:
    log: list[str] = []
    plugins = [Recorder("a", log)]
    made = builder(*plugins)
    one, two = made.build(), made.build()
    assert one.plugins[0] is not two.plugins[0]
    assert one.get_status_service() is not two.get_status_service()
    assert one.plugins[0].context.asgi_app is one.get_asgi_app()
    assert two.plugins[0].context.asgi_app is two.get_asgi_app()
    with TestClient(one), TestClient(two):
        pass


def test_the_caller_s_list_is_not_changed() -> None:
    log: list[str] = []
    plugins: list[PluginAbstract[Any]] = [Recorder("a", log)]
    made = AppBuilder(plugins=plugins).add_plugin_to_activate(Recorder("b", log))
    made.add_config({"application": APPLICATION})
    assert [plugin.name for plugin in made.build().plugins] == ["a", "b"]
    assert len(plugins) == 1


def test_default_plugins_are_used_unless_some_are_given() -> None:
    class Defaults(ApplicationGenericBuilder[App]):
        def get_default_plugins(self) -> list[PluginAbstract]:
            return [Recorder("default", [])]

    overrides = {"application": APPLICATION}
    assert [plugin.name for plugin in Defaults().add_config(overrides).build().plugins] == ["default"]
    given = Defaults(plugins=[Recorder("given", [])]).add_config(overrides).build()
    assert [plugin.name for plugin in given.plugins] == ["given"]
    assert Defaults(plugins=[]).add_config(overrides).build().plugins == ()


def test_a_plugin_gets_its_section() -> None:
    app = builder(CachePlugin(), cache={"size": 7}).build()
    assert app.plugins[0].config == CacheConfig(size=7)


def test_a_given_configuration_beats_the_file_and_needs_no_section() -> None:
    assert builder(CachePlugin(CacheConfig(size=3))).build().plugins[0].config == CacheConfig(size=3)
    with_section = builder(CachePlugin(CacheConfig(size=3)), cache={"size": 7}).build()
    assert with_section.plugins[0].config == CacheConfig(size=3)


def test_a_disabled_plugin_needs_nothing_else_and_is_not_active() -> None:
    log: list[str] = []

    class Loud(CachePlugin):
        def on_load(self) -> None:
            log.append("loaded")

    app = builder(Loud(), cache={"enabled": False}).build()
    with TestClient(app):
        assert app.plugins == ()
    assert log == []


def test_a_section_without_its_plugin_is_refused_unless_it_is_a_default_one() -> None:
    with pytest.raises(ConfigBuilderError, match="cache"):
        builder(cache={"size": 7}).build()

    class Defaults(ApplicationGenericBuilder[App]):
        def get_default_plugins(self) -> list[PluginAbstract]:
            return [CachePlugin()]

    without = Defaults(plugins=[]).add_config({"application": APPLICATION, "cache": {"size": 7}})
    assert without.build().plugins == ()


def test_two_plugins_of_one_name_are_refused() -> None:
    with pytest.raises(ApplicationError, match="CachePlugin: listed more than once"):
        builder(CachePlugin(), CachePlugin(), cache={"size": 1}).build()


def test_a_builder_that_knows_no_application_says_so() -> None:
    with pytest.raises(ApplicationError, match="does not know what to build"):
        ApplicationGenericBuilder()


def test_the_user_s_own_field_may_be_a_plugin_s_section() -> None:
    class WithCache(RootConfig):
        cache: CacheConfig = CacheConfig(size=1)

    class Cached(ApplicationAbstract[WithCache]):
        pass

    made = ApplicationGenericBuilder([CachePlugin()], application_class=Cached)
    app = made.add_config({"application": APPLICATION, "cache": {"size": 9}}).build()
    assert app.plugins[0].config.size == 9
    assert app.get_config().cache.size == 9


def test_a_failing_start_is_raised_and_unwinds() -> None:
    log: list[str] = []

    class Failing(PluginAbstract):
        async def on_startup(self) -> None:
            raise RuntimeError("no")

    app = builder(Recorder("a", log), Failing()).build()
    with pytest.raises(PluginStartError, match="Failing failed to start"), TestClient(app):
        pytest.fail("must not serve")
    assert log == ["load a", "start a", "stop a"]


def test_on_shutdown_follows_only_a_successful_on_startup() -> None:
    log: list[str] = []

    class Failing(ApplicationAbstract):
        async def on_startup(self) -> None:
            raise RuntimeError("no")

        async def on_shutdown(self) -> None:
            log.append("stopped")

    app = (
        ApplicationGenericBuilder([Recorder("a", log)], application_class=Failing)
        .add_config({"application": APPLICATION})
        .build()
    )
    with pytest.raises(RuntimeError, match="no"), TestClient(app):
        pytest.fail("must not serve")
    assert log == ["load a", "start a", "stop a"]


def test_readiness_falls_while_draining_and_connections_end() -> None:
    app = builder().build()
    with TestClient(app) as client:
        app.begin_drain()
        answer = client.get("/api/v1/sys/readiness")
        assert answer.status_code == 503
        assert answer.json()["status"] == "not_ready"
        assert client.get("/api/v1/sys/liveness").status_code == 200
        assert client.get("/hello").headers["connection"] == "close"


def test_a_body_beyond_the_limit_is_413() -> None:
    with TestClient(builder(server={"max_body_bytes": 10}).build()) as client:
        answer = client.post("/hello", content=b"x" * 11)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


def test_health_transitions_are_logged(capsys: pytest.CaptureFixture[str]) -> None:
    app = builder().build()
    app.begin_drain()
    output = capsys.readouterr().out
    assert "health changed" in output
    assert "draining" in output


def test_secrets_of_the_configuration_never_reach_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    class SecretConfig(PluginConfig):
        token: SecretStr

    class SecretPlugin(PluginAbstract[SecretConfig]):
        section = "vault"

    app = builder(SecretPlugin(), vault={"token": "canary-8d1f"}).build()
    logging.getLogger("anything").warning("it is %s", "canary-8d1f")
    assert "canary-8d1f" not in capsys.readouterr().out + repr(app.get_config())


async def test_backends_that_are_up_are_used_from_the_first_request_on(
    running_lifespan: Callable[..., Any],
) -> None:
    seen: list[str] = []

    class Checked(ApplicationAbstract):
        def configure(self) -> None:
            async def check() -> None:
                await asyncio.sleep(0.05)

            self.get_status_service().add_check("slow", check, interval_seconds=1)

        async def on_startup(self) -> None:
            seen.append(self.get_status_service().components["check:slow"].status.health.value)

    app = ApplicationGenericBuilder(application_class=Checked).add_config({"application": APPLICATION}).build()
    async with running_lifespan(app):
        assert seen == ["healthy"]


@pytest.fixture
def running_lifespan() -> Callable[..., Any]:
    return lambda app: app.get_asgi_app().router.lifespan_context(app.get_asgi_app())


class Consumer(PluginAbstract):
    """Takes work until it drains."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    async def on_drain(self) -> None:
        self.told.append("drain")
        await asyncio.sleep(0)
        self.told.append("drained")

    async def on_shutdown(self) -> None:
        self.told.append("stop")


class FailingConsumer(Consumer):
    async def on_drain(self) -> None:
        raise RuntimeError("planted")


async def test_plugins_take_nothing_new_as_soon_as_the_drain_begins() -> None:
    app = builder(Consumer()).build()
    consumer = app.plugins[0]
    assert isinstance(consumer, Consumer)
    async with app.get_asgi_app().router.lifespan_context(app.get_asgi_app()):
        app.begin_drain()
        app.begin_drain()
        async with asyncio.timeout(5):
            while consumer.told != ["drain", "drained"]:
                await asyncio.sleep(0.001)
    assert consumer.told == ["drain", "drained", "stop"]


async def test_a_stop_without_a_drain_drains_first() -> None:
    app = builder(Consumer()).build()
    consumer = app.plugins[0]
    assert isinstance(consumer, Consumer)
    async with app.get_asgi_app().router.lifespan_context(app.get_asgi_app()):
        pass
    assert consumer.told == ["drain", "drained", "stop"]


async def test_a_plugin_that_fails_to_drain_is_told_and_keeps_nobody_from_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    app = builder(FailingConsumer(), Consumer()).build()
    consumer = app.plugins[1]
    assert isinstance(consumer, Consumer)
    async with app.get_asgi_app().router.lifespan_context(app.get_asgi_app()):
        pass
    assert consumer.told == ["drain", "drained", "stop"]
    told = capsys.readouterr()
    assert "plugin failed to drain" in told.out + told.err


def test_a_plugin_knows_what_its_process_is_there_for() -> None:
    web, worker = builder(Consumer()).build(), builder(Consumer()).set_role(ProcessRole.WORKER).build()
    assert web.plugins[0].context.role is ProcessRole.WEB
    assert worker.plugins[0].context.role is ProcessRole.WORKER
    assert worker.plugins[0].context.work is worker.work


def test_a_worker_answers_for_its_health_and_for_nothing_else() -> None:
    with TestClient(builder().set_role(ProcessRole.WORKER).build()) as client:
        assert client.get("/api/v1/sys/readiness").json() == {"status": "ready"}
        answer = client.get("/hello")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


class LineConfig(PluginConfig):
    url: str


class ExtraConfig(PluginConfig):
    size: int = 3


class TwoSections(PluginAbstract[LineConfig]):
    section = "line"
    more_sections: ClassVar[dict[str, type[PluginConfig]]] = {"extra": ExtraConfig}


class OneSection(PluginAbstract[LineConfig]):
    section = "line"


def test_a_plugin_may_read_further_sections() -> None:
    app = builder(TwoSections(), line={"url": "x"}).build()
    config: Any = app.plugins[0].context.config
    assert config.extra.size == 3
    with pytest.raises(ConfigBuilderError, match="did you mean size"):
        builder(TwoSections(), line={"url": "x"}, extra={"sise": 1}).build()


def test_any_of_its_sections_switches_a_plugin_off_and_nothing_is_asked_of_the_others() -> None:
    assert builder(TwoSections(), line={"enabled": False}).build().plugins == ()
    assert builder(TwoSections(), extra={"enabled": False}).build().plugins == ()
    assert builder(TwoSections(), line={"url": "x"}, extra={"enabled": False}).build().plugins == ()


def test_a_section_that_another_plugin_reads_is_still_asked_for() -> None:
    with pytest.raises(ConfigBuilderError, match=r"line\.url"):
        builder(TwoSections(), OneSection(), extra={"enabled": False}).build()
    app = builder(TwoSections(), OneSection(), extra={"enabled": False}, line={"url": "x"}).build()
    assert [plugin.name for plugin in app.plugins] == ["OneSection"]
