"""`rate_limit`: a limit as a route's dependency."""

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import Depends, FastAPI, params
from starlette.requests import HTTPConnection

from fastapi_factory_utilities.core.api.rate_limits import required  # noqa: F401 - says how to install the rest

# isort: split
from fastapi_factory_utilities.core.api.rate_limits.clients import client_address
from fastapi_factory_utilities.core.api.rate_limits.counting import Counter, Counting
from fastapi_factory_utilities.core.api.rate_limits.errors import RateLimitedError
from fastapi_factory_utilities.core.api.rate_limits.memory import BoundedMemory
from fastapi_factory_utilities.core.api.rate_limits.rate import parse_rate
from fastapi_factory_utilities.core.api.rate_limits.settings import SETTINGS_KEY, RateLimitSettings
from fastapi_factory_utilities.core.plugins.redis_plugin.provided import depends_redis_client

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["rate_limit"]

_LIMITS_KEY: Final = "rate_limits"


def rate_limit(rate: str, *, name: str | None = None, by: Callable[..., Any] = client_address) -> params.Depends:
    """Limit how often a client may ask a route; more is answered 429, with `Retry-After`.

    ::

        @router.post("/login", dependencies=[rate_limit("5/minute")])

    A router's `dependencies` limit each of its routes on its own; those with a common `name`, together. Several limits
    may stand beside each other. Requests that are refused are not counted.

    Args:
        rate: `5/minute`, `100/10 seconds`, and so on.
        name: What the configuration calls the limit (`rate_limits.routes`); by default method and path of the route,
            such as `POST /login`.
        by: A dependency that says who asks; by default the client's address. A user's id makes it a limit for users.

    Raises:
        ValueError: The rate cannot be understood.
    """
    parsed = parse_rate(rate)

    async def limited(connection: HTTPConnection, client: Annotated[object, Depends(by)]) -> None:
        limits = _limits_of(connection.app)
        if not limits.settings.enabled:
            return
        route = name or _route_of(connection)
        configured = limits.settings.routes.get(route, rate)
        if configured is None:
            return
        its_rate = parsed if configured == rate else parse_rate(configured)
        wait = await limits.counting().take(its_rate, _key(route, str(client)))
        if wait is not None:
            raise RateLimitedError(its_rate, wait)

    return params.Depends(limited)


class _Limits:
    """What one application has counted."""

    def __init__(self, app: FastAPI) -> None:
        self.settings: RateLimitSettings = getattr(app.state, SETTINGS_KEY, None) or RateLimitSettings()
        self._app = app
        self._local = Counter(BoundedMemory(self.settings.max_clients))
        self._client: Redis | None = None
        self._shared: Counting | None = None

    def counting(self) -> Counting:
        if self.settings.storage == "memory":
            return self._local
        client = depends_redis_client.of(self._app)
        if self._shared is None or client is not self._client:
            # The first request, or the first since the plugin was started anew.
            from fastapi_factory_utilities.core.api.rate_limits.redis import RedisCounter  # noqa: PLC0415 - if at all

            self._client, self._shared = client, RedisCounter(client, self.settings, self._local)
        return self._shared


def _limits_of(app: FastAPI) -> _Limits:
    limits: _Limits | None = getattr(app.state, _LIMITS_KEY, None)
    if limits is None:
        limits = _Limits(app)
        setattr(app.state, _LIMITS_KEY, limits)
    return limits


def _route_of(connection: HTTPConnection) -> str:
    path = getattr(connection.scope.get("route"), "path_format", "")
    return f"{connection.scope.get('method', 'WEBSOCKET')} {path}"


def _key(route: str, client: str) -> str:
    # Of one length whatever a client makes up, and no list of addresses or users for who reads Redis.
    return hashlib.sha256(f"{route}\0{client}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
