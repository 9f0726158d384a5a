"""`JWTPlugin`: the issuers of the section `jwt`, their keys, and what authenticates requests by their tokens."""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import ClassVar

from fastapi_factory_utilities.core.plugins.abstracts import PluginAbstract
from fastapi_factory_utilities.core.plugins.extras import require_extra
from fastapi_factory_utilities.core.plugins.jwt_plugin.config import JWTPluginConfig
from fastapi_factory_utilities.core.plugins.jwt_plugin.errors import JWTPluginConfigurationError
from fastapi_factory_utilities.core.plugins.jwt_plugin.health import tell
from fastapi_factory_utilities.core.plugins.jwt_plugin.provided import (
    depends_jwk_store,
    depends_jwt_authentication_service,
)
from fastapi_factory_utilities.core.security.jwt import JWTAuthenticationService, JWTPayload, TokenPlace, sources
from fastapi_factory_utilities.core.security.jwt.sources.errors import KeySourceError
from fastapi_factory_utilities.core.security.jwt.sources.tls import tls_of
from fastapi_factory_utilities.core.services.status import ComponentInstanceType, ComponentTypeEnum

__all__ = ["JWTPlugin"]


class JWTPlugin(PluginAbstract[JWTPluginConfig]):
    """Keeps the keys of issuers, and provides a `JWTAuthenticationService` for each.

    The service starts while a provider is away, and goes on with the keys it has. Each issuer has an optional health
    component `external_service:jwt.<name>`.

    Args:
        config: Instead of the section `jwt`.
        payload_classes: What the claims of an issuer's tokens become, by its name; `JWTPayload` unless told otherwise.
        token_places: Where requests have an issuer's tokens, by its name; in `Authorization` unless told otherwise.
    """

    section: ClassVar[str] = "jwt"

    def __init__(
        self,
        config: JWTPluginConfig | None = None,
        *,
        payload_classes: Mapping[str, type[JWTPayload]] | None = None,
        token_places: Mapping[str, TokenPlace] | None = None,
    ) -> None:
        super().__init__(config)
        self._payload_classes = dict(payload_classes or {})
        self._token_places = dict(token_places or {})
        self._tls: dict[str, ssl.SSLContext | bool] = {}

    def on_load(self) -> None:
        """Check that the extra is installed; read certificates.

        Raises:
            MissingExtraError: It is not.
            JWTPluginConfigurationError: The file of an `ssl_ca_path` cannot be used, or a name is none of an issuer.
        """
        require_extra("jwt", "joserfc", "cryptography", "aiohttp")
        for name in {**self._payload_classes, **self._token_places}:
            if name not in self.config.issuers:
                known = ", ".join(sorted(self.config.issuers))
                raise JWTPluginConfigurationError(
                    f"{self.name} was given {name!r}, and jwt.issuers has no such entry; configured are: {known}",
                    issuer=name,
                )
        for name, issuer in self.config.issuers.items():
            try:
                self._tls[name] = tls_of(issuer)
            except KeySourceError as error:
                raise JWTPluginConfigurationError(f"jwt: issuers.{name}: {error}", issuer=name) from error

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Fetch keys and provide what uses them; the first fetch is not waited for."""
        app, status = self.context.asgi_app, self.context.status
        async with AsyncExitStack() as stack:
            running: list[sources.KeySource] = []
            for name, issuer in self.config.issuers.items():
                instance = ComponentInstanceType(ComponentTypeEnum.EXTERNAL_SERVICE, f"jwt.{name}")
                health = status.register_component_instance(instance, required=False)
                stack.callback(health.unregister)
                source = sources.KeySource(issuer, tls=self._tls[name], told=partial(tell, health))
                await stack.enter_async_context(source.running())
                running.append(source)
            store = sources.JWKStoreRemote(running)
            depends_jwk_store.publish(app, store)
            stack.callback(depends_jwk_store.withdraw, app)
            for name, issuer in self.config.issuers.items():
                slot = depends_jwt_authentication_service[name]
                service = JWTAuthenticationService(
                    issuer,
                    store,
                    payload_class=self._payload_classes.get(name, JWTPayload),
                    token_place=self._token_places.get(name),
                )
                slot.publish(app, service)
                stack.callback(slot.withdraw, app)
            yield
