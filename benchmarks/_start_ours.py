"""A start of ours, with an `application.yaml` to read. Arguments: the port, and a MongoDB URI to use one."""

import sys

from pydantic import SecretStr

from fastapi_factory_utilities.core.app import ApplicationAbstract, ApplicationGenericBuilder, RootConfig
from fastapi_factory_utilities.core.plugins import PluginAbstract


class App(ApplicationAbstract[RootConfig]):
    """A service without anything of its own."""

    PACKAGE_NAME = "fastapi_factory_utilities.example"

    def configure(self) -> None:
        @self.get_asgi_app().get("/ready")
        async def ready() -> dict[str, str]:
            return {"status": "ready"}


class AppBuilder(ApplicationGenericBuilder[App]):
    """Builds it."""


def plugins(uri: str) -> list[PluginAbstract]:
    from fastapi_factory_utilities.core.plugins.odm_plugin import ODMConfig, ODMPlugin  # noqa: PLC0415 - only with one

    return [ODMPlugin(config=ODMConfig(uri=SecretStr(uri)))]


if __name__ == "__main__":
    builder = AppBuilder(plugins=plugins(sys.argv[2]) if sys.argv[2:] else [])
    builder.add_config(
        {"server": {"port": int(sys.argv[1]), "access_log": False, "drain_seconds": 0}, "docs": {"enabled": False}}
    )
    builder.build_and_serve()
