"""Who asks: sessions of Ory Kratos, from a browser's cookie or a program's token."""

import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, Final, Generic, overload

from fastapi import Depends
from fastapi.openapi.models import APIKey, APIKeyIn
from fastapi.openapi.models import SecurityBase as Scheme
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection
from typing_extensions import TypeVar

from fastapi_factory_utilities.core.api.problems import ProblemError
from fastapi_factory_utilities.core.plugins.aiohttp import AioHttpResourceDepends
from fastapi_factory_utilities.core.services.kratos import (
    KratosOperationError,
    KratosSecondFactorError,
    KratosSession,
    KratosSessionInvalidError,
    KratosUnavailableError,
)

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.aiohttp import AioHttpClientResource
    from fastapi_factory_utilities.core.services.kratos import KratosGenericWhoamiService

__all__ = [
    "KratosSecondFactorRequiredError",
    "KratosSessionAuthenticationService",
    "KratosSessionRequiredError",
    "require_kratos_session",
]

SessionT = TypeVar("SessionT", bound=KratosSession[Any], default=KratosSession)

_TOKEN_HEADER: Final = "X-Session-Token"  # noqa: S105 - a header's name
# RFC 6265, 4.1.1: what a cookie's value is made of; browsers keep 4096 of them.
_COOKIE_VALUE: Final = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]{1,4096}")
_COOKIE_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# What Kratos, or a proxy before it, says of credentials that are none: malformed, or too large (RFC 9110; RFC 6585, 5).
_NO_CREDENTIALS: Final = (400, 413, 431)


class KratosSessionRequiredError(ProblemError, KratosSessionInvalidError):
    """Nobody is signed in; over HTTP a 401 problem, the same one whatever the reason."""

    status = 401


class KratosSecondFactorRequiredError(ProblemError, KratosSecondFactorError):
    """Somebody is signed in, but has to prove it with a second factor; over HTTP a 403 problem.

    Its member `redirect_browser_to` is where Kratos asks for it.
    """

    status = 403


class KratosSessionAuthenticationService(Generic[SessionT]):
    """Says whose session a request comes with, by asking Kratos each time: a session that was ended opens nothing.

    A session is looked for in the header `X-Session-Token`, in `Authorization: Bearer`, and in the cookie, in this
    order; the first one counts. Kratos gets this one and nothing else of the request. Nothing of a request is kept.

    Args:
        kratos: A `KratosService`, or whoami service of your own.
        cookie_name: The cookie that Kratos sets; on Ory Network it is `ory_session_` and the project's slug.
        raise_exception: Whether it is an error that nobody is signed in.

    Raises:
        ValueError: That is no name of a cookie.
    """

    def __init__(
        self,
        kratos: "KratosGenericWhoamiService[SessionT]",
        *,
        cookie_name: str = "ory_kratos_session",
        raise_exception: bool = True,
    ) -> None:
        self._kratos = kratos
        self._cookie_name = checked_cookie_name(cookie_name)
        self._raise_exception = raise_exception

    async def authenticate(self, request: HTTPConnection) -> SessionT | None:
        """Return the session of a request or a WebSocket; `None` for nobody, if that is no error.

        Raises:
            KratosSessionRequiredError: Nobody is signed in.
            KratosSecondFactorRequiredError: Somebody is, but Kratos wants a second factor first.
            KratosUnavailableError: Kratos does not say.
        """
        try:
            return await self._whoami(request)
        except KratosSecondFactorError as error:
            if self._raise_exception:
                where = error.redirect_browser_to
                members: dict[str, Any] = {} if where is None else {"redirect_browser_to": where}
                raise KratosSecondFactorRequiredError("Sign in with a second factor to use this.", **members) from error
        except KratosSessionInvalidError as error:
            if self._raise_exception:
                # The header is not optional (RFC 9110, 15.5.2).
                headers = {"WWW-Authenticate": "Bearer"}
                raise KratosSessionRequiredError("Sign in to use this.", headers=headers) from error
        return None

    async def _whoami(self, request: HTTPConnection) -> SessionT:
        token, cookie = self._credentials(request)
        try:
            return await self._kratos.whoami(cookie, session_token=token)
        except (KratosSessionInvalidError, KratosUnavailableError):
            raise
        except KratosOperationError as error:
            if error.fields.get("status") in _NO_CREDENTIALS:
                raise KratosSessionInvalidError(error.message, **error.fields) from error
            raise KratosUnavailableError(error.message, **error.fields) from error

    def _credentials(self, request: HTTPConnection) -> tuple[str | None, str | None]:
        """Return token and header `Cookie` for Kratos; one of them, or neither."""
        tokens = request.headers.getlist(_TOKEN_HEADER) or _bearer_tokens(request)
        if tokens:
            # Of several ones, nobody could say which one a proxy before us has looked at.
            return tokens[0] if len(tokens) == 1 else "", None
        value = request.cookies.get(self._cookie_name, "")
        return None, f"{self._cookie_name}={value}" if _COOKIE_VALUE.fullmatch(value) else None


@overload
def require_kratos_session(
    key: str = ..., *, cookie_name: str = ..., scheme_name: str = ...
) -> Callable[..., Awaitable[KratosSession]]: ...


@overload
def require_kratos_session[SomeSessionT: KratosSession[Any]](
    key: str = ...,
    *,
    whoami: "Callable[[AioHttpClientResource], KratosGenericWhoamiService[SomeSessionT]]",
    cookie_name: str = ...,
    scheme_name: str = ...,
) -> Callable[..., Awaitable[SomeSessionT]]: ...


def require_kratos_session(
    key: str = "kratos_public",
    *,
    whoami: "Callable[[AioHttpClientResource], KratosGenericWhoamiService[Any]] | None" = None,
    cookie_name: str = "ory_kratos_session",
    scheme_name: str = "kratosSession",
) -> Callable[..., Awaitable[Any]]:
    """Return a dependency that gives the session of a request or a WebSocket, and lets nobody else in.

    ::

        Session = Annotated[KratosSession, Depends(require_kratos_session())]

        @app.get("/me")
        async def me(session: Session) -> UUID:
            return session.identity.id

    It is a security scheme of the OpenAPI document, too: one for the cookie, another for the token.

    Args:
        key: The name of Kratos' public API in `dependencies`; `AioHttpPlugin` has to be there.
        whoami: What asks Kratos, for a session model of your own: a class made from
            `KratosGenericWhoamiService[...]`.
        cookie_name: The cookie that Kratos sets.
        scheme_name: What the OpenAPI document calls the cookie; the token has `Token` behind it.

    Raises:
        ValueError: That is no name of a cookie.
    """
    resource_of = AioHttpResourceDepends(key)
    in_cookie = _DocumentedPlace(APIKeyIn.cookie, checked_cookie_name(cookie_name), scheme_name)
    in_header = _DocumentedPlace(APIKeyIn.header, _TOKEN_HEADER, f"{scheme_name}Token")

    async def kratos_session(
        connection: HTTPConnection,
        _cookie: Annotated[None, Depends(in_cookie)],
        _header: Annotated[None, Depends(in_header)],
    ) -> Any:  # noqa: ANN401 - `whoami` says
        resource = resource_of.of(connection.app)
        service = (whoami or _usual_whoami())(resource)
        return await KratosSessionAuthenticationService(service, cookie_name=cookie_name).authenticate(connection)

    return kratos_session


class _DocumentedPlace(SecurityBase):
    """Tells the OpenAPI document where a credential may be, and nothing else."""

    def __init__(self, place: APIKeyIn, name: str, scheme_name: str) -> None:
        self.model: Scheme = APIKey.model_validate({"in": place, "name": name})
        self.scheme_name: str = scheme_name

    async def __call__(self) -> None:
        """Be a dependency."""


def checked_cookie_name(name: str) -> str:
    """Return a name if a cookie can have it (RFC 6265, 4.1.1).

    Raises:
        ValueError: None can.
    """
    if not _COOKIE_NAME.fullmatch(name):
        raise ValueError("cookie_name is the name of a cookie, such as ory_kratos_session")
    return name


def _bearer_tokens(request: HTTPConnection) -> list[str]:
    """Return what stands behind `Bearer`, in any case (RFC 6750, 2.1)."""
    pairs = [value.partition(" ") for value in request.headers.getlist("Authorization")]
    return [token.strip(" ") for scheme, _, token in pairs if scheme.lower() == "bearer"]


def _usual_whoami() -> "Callable[[AioHttpClientResource], KratosGenericWhoamiService[KratosSession]]":
    # Only now: what declares its routes need not have the driver installed.
    from fastapi_factory_utilities.core.services.kratos import KratosGenericWhoamiService  # noqa: PLC0415

    return KratosGenericWhoamiService
