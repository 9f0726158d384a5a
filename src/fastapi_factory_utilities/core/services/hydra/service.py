"""`HydraService`: all of Hydra that services need, in one place."""

from typing import TYPE_CHECKING

from pydantic import SecretStr

from fastapi_factory_utilities.core.services.hydra.client_credentials import HydraOAuth2ClientCredentialsService
from fastapi_factory_utilities.core.services.hydra.introspection import HydraIntrospectGenericService
from fastapi_factory_utilities.core.services.hydra.keys import HydraJWKSService
from fastapi_factory_utilities.core.services.hydra.models import HydraTokenIntrospection

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.aiohttp import AioHttpClientResource

__all__ = ["HydraService"]


class HydraService(
    HydraIntrospectGenericService[HydraTokenIntrospection], HydraOAuth2ClientCredentialsService, HydraJWKSService
):
    """Whether a token is good, a token of our own, and the keys.

    Args:
        public: The client of the public API.
        admin: The client of the admin API; by default the same one, which Ory Network serves both with.
        client_id: Who we are to Hydra, for tokens of our own.
        client_secret: The proof.
        api_key: What is sent to the admin API as a bearer token.
        introspection_cache_seconds: For how long what Hydra says of a token is remembered; 0 asks each time.
    """

    def __init__(
        self,
        public: "AioHttpClientResource",
        admin: "AioHttpClientResource | None" = None,
        *,
        client_id: str = "",
        client_secret: SecretStr | None = None,
        api_key: SecretStr | None = None,
        introspection_cache_seconds: float = 0.0,
    ) -> None:
        HydraIntrospectGenericService.__init__(
            self, public if admin is None else admin, api_key=api_key, cache_seconds=introspection_cache_seconds
        )
        HydraOAuth2ClientCredentialsService.__init__(self, public, client_id, client_secret or SecretStr(""))
        HydraJWKSService.__init__(self, public)
