"""`AioHttpPlugin`: the services of `dependencies.http`, each with a client of its own (FR30-FR32)."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import ExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final

from starlette.types import ASGIApp

from fastapi_factory_utilities.core.plugins.abstracts import PluginAbstract
from fastapi_factory_utilities.core.plugins.aiohttp.deadlines import TakesDeadlines
from fastapi_factory_utilities.core.plugins.aiohttp.errors import AioHttpClientConfigurationError
from fastapi_factory_utilities.core.plugins.aiohttp.provided import provided_resource
from fastapi_factory_utilities.core.plugins.aiohttp.tls import tls_of
from fastapi_factory_utilities.core.plugins.extras import require_extra
from fastapi_factory_utilities.core.services.status import ComponentInstanceType, ComponentTypeEnum

if TYPE_CHECKING:
    import ssl

    from fastapi_factory_utilities.core.app.configuration.sections.dependencies import HttpServiceDependencyConfig

__all__ = ["AioHttpPlugin"]

# What is left is for closing what they held.
_PART_OF_THE_SHARE: Final = 0.8


class AioHttpPlugin(PluginAbstract):
    """Gives the application a client for each service that it calls over HTTP.

    Nothing is connected before a call is made; a service that is down stops nobody. Each has an optional health
    component `external_service:<key>`, which is degraded while the service's circuit is open. A request's header
    `X-Request-Timeout-Ms` bounds the calls that are made while it is handled.

    Args:
        keys: The services that are needed, by their names in `dependencies`; by default all that are configured.
    """

    def __init__(self, keys: Iterable[str] | None = None) -> None:
        super().__init__()
        self._keys = None if keys is None else tuple(dict.fromkeys([keys] if isinstance(keys, str) else keys))
        self._services: dict[str, tuple[HttpServiceDependencyConfig, ssl.SSLContext | bool]] = {}

    def on_load(self) -> None:
        """Check that the extra is installed and every service configured; read certificates.

        Raises:
            MissingExtraError: The extra is not installed.
            AioHttpClientConfigurationError: A service is not configured, or its certificates cannot be used.
        """
        require_extra("http", "aiohttp")
        configured = self.context.config.dependencies.http_services()
        keys = configured if self._keys is None else self._keys
        missing = [key for key in keys if key not in configured]
        if missing:
            known = ", ".join(sorted(configured)) or "none"
            raise AioHttpClientConfigurationError(
                f"{self.name} was given {', '.join(map(repr, missing))}, and dependencies.http has no such service: "
                f"add dependencies.http.{missing[0]}.url; configured are: {known}",
                plugin=self.name,
                dependency=missing[0],
            )
        self._services = {key: (configured[key], tls_of(key, configured[key])) for key in keys}

    def wrap_asgi(self, app: ASGIApp) -> ASGIApp:
        """Take over what each request says of its caller's patience."""
        return TakesDeadlines(app)

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Open the clients and provide them; at the end, let the calls in flight finish, all services' at once."""
        if not self._services:
            yield
            return
        # The driver, which takes long to import, and which not everybody has installed.
        from fastapi_factory_utilities.core.plugins.aiohttp import resource as driven  # noqa: PLC0415 - see above

        app, status, telemetry = self.context.asgi_app, self.context.status, self.context.telemetry
        with ExitStack() as stack:
            resources: list[driven.AioHttpClientResource] = []
            try:
                for key, (config, tls) in self._services.items():
                    health = status.register_component_instance(
                        ComponentInstanceType(ComponentTypeEnum.EXTERNAL_SERVICE, key), required=False
                    )
                    stack.callback(health.unregister)
                    health.healthy()  # nobody knows better before the first call
                    resource = driven.AioHttpClientResource(key, config, tls=tls, telemetry=telemetry, health=health)
                    resource.open()
                    resources.append(resource)
                    provided_resource[key].publish(app, resource)
                    stack.callback(provided_resource[key].withdraw, app)
                yield
            finally:
                seconds = self._seconds_to_stop()
                await asyncio.gather(*(resource.close(within_seconds=seconds) for resource in resources))

    def _seconds_to_stop(self) -> float:
        """How long calls in flight may hold the stop: less than our share of the grace period."""
        share = self.context.config.server.stop_seconds / max(1, len(self.context.asgi_app.state.application.plugins))
        return _PART_OF_THE_SHARE * share
