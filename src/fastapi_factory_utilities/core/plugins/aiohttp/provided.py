"""What `AioHttpPlugin` provides while it runs: one resource for each key."""

from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.requests import HTTPConnection

from fastapi_factory_utilities.core.plugins.aiohttp.errors import AioHttpClientNotProvidedError
from fastapi_factory_utilities.core.plugins.errors import PluginNotActiveError
from fastapi_factory_utilities.core.plugins.provided import Provided

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.aiohttp.resource import AioHttpClientResource

__all__ = ["AioHttpResourceDepends", "provided_resource"]

provided_resource: "Final[Provided[AioHttpClientResource]]" = Provided("aiohttp_resource", plugin="AioHttpPlugin")


class AioHttpResourceDepends:
    """A dependency that gives the client of one service.

    ::

        Mail = Annotated[AioHttpClientResource, Depends(AioHttpResourceDepends("mail"))]

    Two with the same key are equal: `dependency_overrides[AioHttpResourceDepends("mail")] = ...` replaces it in tests.

    Args:
        key: The service's name below `dependencies.http`, or one of the four Ory shorthands.
    """

    def __init__(self, key: str) -> None:
        self.key: str = key
        self._slot = provided_resource[key]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AioHttpResourceDepends) and other.key == self.key

    def __hash__(self) -> int:
        return hash((AioHttpResourceDepends, self.key))

    def __repr__(self) -> str:
        return f"AioHttpResourceDepends({self.key!r})"

    async def __call__(self, connection: HTTPConnection) -> "AioHttpClientResource":
        """Be a dependency: give the resource of the application that serves this request or WebSocket."""
        return self.of(connection.app)

    def of(self, app: Starlette) -> "AioHttpClientResource":
        """Return the resource, outside of a request.

        Raises:
            AioHttpClientNotProvidedError: The key is not configured, the plugin is not listed or was given other keys,
                or the application does not run.
        """
        try:
            return self._slot.of(app)
        except PluginNotActiveError:
            raise AioHttpClientNotProvidedError(
                f"there is no HTTP client {self.key!r}: see that dependencies.http.{self.key} is configured, that "
                f"AioHttpPlugin is in the builder's plugins, with this key or no keys, and that the application runs",
                dependency=self.key,
                plugin="AioHttpPlugin",
            ) from None
