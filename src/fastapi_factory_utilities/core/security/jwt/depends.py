"""`JWTBearer`: one line makes authentication a route's dependency, and a security scheme of its OpenAPI."""

import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, Protocol

from fastapi import Depends
from fastapi.openapi.models import APIKey, APIKeyIn, HTTPBearer
from fastapi.openapi.models import SecurityBase as Scheme
from fastapi.security.base import SecurityBase
from starlette.applications import Starlette
from starlette.requests import HTTPConnection

from fastapi_factory_utilities.core.security.jwt.credentials import TokenCookie, TokenHeader, TokenPlace
from fastapi_factory_utilities.core.security.jwt.errors import InsufficientScopeError
from fastapi_factory_utilities.core.security.jwt.payload import JWTPayload
from fastapi_factory_utilities.core.security.jwt.service import JWTAuthenticationServiceAbstract

__all__ = ["JWTBearer", "ServiceOf", "require_scopes"]

_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749, 3.3


class ServiceOf[PayloadT: JWTPayload](Protocol):
    """What knows the service of an application, such as `depends_jwt_authentication_service["customers"]`."""

    def of(self, app: Starlette, /) -> JWTAuthenticationServiceAbstract[PayloadT]:
        """Return it."""
        ...


class JWTBearer[PayloadT: JWTPayload](SecurityBase):
    """A dependency that gives what the request's token says, and refuses requests without an accepted one.

    ::

        customer = JWTBearer(service)
        Customer = Annotated[JWTPayload, Depends(customer)]

        @app.get("/orders")
        async def orders(who: Customer) -> list[Order]: ...

        @app.post("/orders", dependencies=[Depends(customer.require_scopes("orders:write"))])
        async def order(who: Customer) -> None: ...

    However many dependencies of a route ask, the token is verified once. WebSockets can ask as well.

    Args:
        service: What authenticates, or what knows it once the application runs.
        token_place: Where the OpenAPI document says that the token is: the service's own unless told otherwise.
        scheme_name: The name of the scheme in the OpenAPI document.
        description: What it says there.
    """

    def __init__(
        self,
        service: JWTAuthenticationServiceAbstract[PayloadT] | ServiceOf[PayloadT],
        *,
        token_place: TokenPlace | None = None,
        scheme_name: str = "JWT",
        description: str | None = None,
    ) -> None:
        self._service = service
        self.scheme_name: str = scheme_name
        self.model: Scheme = _scheme(token_place or getattr(service, "token_place", None), description)

    async def __call__(self, request: HTTPConnection) -> PayloadT:
        """Be a dependency.

        Raises:
            JWTAuthenticationError: There is no token, or it is not accepted; over HTTP a 401 problem.
        """
        service = self._service
        if not isinstance(service, JWTAuthenticationServiceAbstract):
            service = service.of(request.app)
        # With `raise_exception=False` it is `None` for nobody, and the route says so in its own type.
        return await service.authenticate(request)  # type: ignore[return-value]  # see above

    def require_scopes(self, *scopes: str) -> Callable[..., Awaitable[PayloadT]]:
        """Return a dependency that authenticates, wants all these scopes, and gives what the token says."""
        return require_scopes(*scopes, by=self)


def require_scopes[PayloadT: JWTPayload](
    *scopes: str, by: Callable[..., Awaitable[PayloadT | None]]
) -> Callable[..., Awaitable[PayloadT]]:
    """Return a dependency that wants all these scopes of a token.

    Args:
        *scopes: Such as `books:write`; at least one.
        by: The dependency that authenticates, such as a `JWTBearer`.

    Raises:
        ValueError: There is none, or one is no scope (RFC 6749, 3.3).
    """
    if not scopes or not all(_SCOPE.fullmatch(scope) for scope in scopes):
        raise ValueError("name at least one scope; a scope is printable, without blanks, quotes and backslashes")
    needed = frozenset(scopes)

    async def authorized(payload: Annotated[Any, Depends(by)]) -> PayloadT:  # noqa: ANN401 - `by` says
        if payload is None or not needed.issubset(payload.scp):
            raise InsufficientScopeError("the token lacks scopes that are needed here", required=scopes)
        found: PayloadT = payload
        return found

    return authorized


def _scheme(place: TokenPlace | None, description: str | None) -> Scheme:
    match place:
        case TokenHeader():
            return APIKey.model_validate({"in": APIKeyIn.header, "name": place.key, "description": description})
        case TokenCookie():
            return APIKey.model_validate({"in": APIKeyIn.cookie, "name": place.key, "description": description})
        case _:
            return HTTPBearer(bearerFormat="JWT", description=description)
