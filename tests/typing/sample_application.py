"""A service as a user writes it, for the type checkers: nothing here runs."""

from typing import Annotated, Any, ClassVar, assert_type

from fastapi import APIRouter, Depends, FastAPI
from pydantic import BaseModel

from fastapi_factory_utilities.core.app import (
    ApplicationAbstract,
    ApplicationGenericBuilder,
    BaseApplicationConfig,
    DependencyConfig,
    EnvironmentEnum,
    RootConfig,
    depends_application_config,
    depends_dependency_config,
    depends_root_config,
)
from fastapi_factory_utilities.core.plugins import PluginAbstract, PluginConfig, PluginContext, Provided
from fastapi_factory_utilities.core.services.status import StatusService, depends_status_service


class ShopConfig(BaseModel):
    currency: str = "EUR"


class AppConfig(RootConfig):
    shop: ShopConfig = ShopConfig()


class App(ApplicationAbstract[AppConfig]):
    PACKAGE_NAME: ClassVar[str] = "my_service"

    def configure(self) -> None:
        self.get_asgi_app().include_router(router)
        assert_type(self.get_config().shop.currency, str)

    async def on_startup(self) -> None: ...

    async def on_shutdown(self) -> None: ...


class PlainApp(ApplicationAbstract):
    CONFIG_CLASS: ClassVar[type[RootConfig]] = AppConfig


class Cache: ...


class CacheConfig(PluginConfig):
    url: str = "memory://"


cache = Provided[Cache]("cache", plugin="CachePlugin")


class CachePlugin(PluginAbstract[CacheConfig]):
    section: ClassVar[str] = "cache"

    async def on_startup(self) -> None:
        assert_type(self.config, CacheConfig)
        assert_type(self.context, PluginContext)
        cache.publish(self.context.asgi_app, Cache())


class PlainPlugin(PluginAbstract):
    async def on_startup(self) -> None:
        assert_type(self.config, PluginConfig)


class AppBuilder(ApplicationGenericBuilder[App]):
    def get_default_plugins(self) -> list[PluginAbstract]:
        return [CachePlugin(), PlainPlugin()]


def builds() -> None:
    app = AppBuilder().build()
    assert_type(app, App)
    assert_type(app.get_config(), AppConfig)
    assert_type(app.get_asgi_app(), FastAPI)
    assert_type(app.get_status_service(), StatusService)
    app.add_to_state("key", object())
    assert_type(app.get_config().application.environment, EnvironmentEnum)

    chained = AppBuilder(plugins=[CachePlugin(CacheConfig())]).add_plugin_to_activate(PlainPlugin()).add_config({})
    assert_type(chained, AppBuilder)
    assert_type(chained.build(), App)

    assert_type(ApplicationGenericBuilder(application_class=App).build(), App)
    assert_type(ApplicationGenericBuilder(application_class=PlainApp).build().get_config(), RootConfig)


def refused() -> None:
    """Each ignore is a promise: when the checker stops refusing the line, the unused ignore is the error."""
    AppBuilder(plugins=[object()])  # type: ignore[list-item] # not a plugin
    AppBuilder().build().get_config().shopp  # type: ignore[attr-defined] # noqa: B018 - a misspelt section
    ApplicationGenericBuilder[int]  # type: ignore[type-var] # not an application
    CachePlugin(PluginConfig())  # type: ignore[arg-type] # another plugin's section


router = APIRouter()
CacheDependency = Annotated[Cache, Depends(cache)]


@router.get("/")
async def route(
    kept: CacheDependency,
    root: Annotated[RootConfig, Depends(depends_root_config)],
    application: Annotated[BaseApplicationConfig, Depends(depends_application_config)],
    dependencies: Annotated[DependencyConfig, Depends(depends_dependency_config)],
    status: Annotated[StatusService, Depends(depends_status_service)],
) -> dict[str, Any]:
    assert_type(kept, Cache)
    assert_type(root.application, BaseApplicationConfig)
    assert_type(application.service_name, str)
    return {"status": status, "dependencies": dependencies}


async def outside_of_a_request(app: FastAPI) -> None:
    assert_type(cache.of(app), Cache)
    assert_type(cache["second"].of(app), Cache)
