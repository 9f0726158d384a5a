"""The keys that Hydra signs with (RFC 7517)."""

from typing import TYPE_CHECKING, Any

from pydantic import Field

from fastapi_factory_utilities.core.services.hydra.calls import HydraCalls
from fastapi_factory_utilities.core.services.hydra.models import HydraModel

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.aiohttp import AioHttpClientResource

__all__ = ["HydraJWKSService"]


class _KeySet(HydraModel):
    """A JWK Set."""

    keys: list[dict[str, Any]] = Field(description="The keys.")


class HydraJWKSService:
    """Asks Hydra for its keys. To verify tokens, let `JWTPlugin` do so: it keeps them fresh.

    Args:
        resource: The client of the public API, such as that of `hydra_public`.
    """

    def __init__(self, resource: "AioHttpClientResource") -> None:
        self._keys: HydraCalls = HydraCalls(resource)

    async def get_jwks(self) -> dict[str, Any]:
        """Return the JWK Set, as `JWKStoreMemory` takes it.

        Raises:
            HydraOperationError: Hydra refused, or did not answer.
        """
        found = await self._keys.ask("get keys", "GET", "/.well-known/jwks.json", _KeySet)
        return {"keys": found.keys}
