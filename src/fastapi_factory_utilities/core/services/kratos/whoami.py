"""Who somebody is who sends a cookie or a token of Kratos'; what they may do about their own sessions."""

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Generic
from uuid import UUID

from pydantic import SecretStr
from typing_extensions import TypeVar

from fastapi_factory_utilities.core.services.kratos.calls import KratosCalls, Params
from fastapi_factory_utilities.core.services.kratos.errors import KratosSessionInvalidError
from fastapi_factory_utilities.core.services.kratos.models import KratosSession, KratosSessionInfo
from fastapi_factory_utilities.core.services.kratos.parameters import model_of

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.aiohttp import AioHttpClientResource

__all__ = ["KratosGenericWhoamiService"]

SessionT = TypeVar("SessionT", bound=KratosSession[Any], default=KratosSession)

# Neither can end its header, nor begin another one.
_COOKIE: Final = re.compile(r"[\x20-\x7e]{1,16384}")
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,4096}")


class KratosGenericWhoamiService(Generic[SessionT]):
    """Kratos' public API, as services use it: whose session is this?

    With a session model of your own::

        class Whoami(KratosGenericWhoamiService[KratosSession[KratosIdentity[Traits]]]): ...

    Each method takes what a request came with: its header `Cookie`, or its session token.

    Args:
        resource: The client of the public API, such as that of `kratos_public`.
    """

    def __init__(self, resource: "AioHttpClientResource") -> None:
        self._public = KratosCalls(resource, about_sessions=True)

    async def whoami(
        self,
        cookie: str | None = None,
        *,
        session_token: str | SecretStr | None = None,
        tokenize_as: str | None = None,
    ) -> SessionT:
        """Return the session that somebody has.

        Args:
            cookie: The header `Cookie`; only Kratos' own cookie is needed in it.
            session_token: The session token of a program; the cookie is then not sent.
            tokenize_as: The name of a template that Kratos makes a token from, `tokenized` of the answer.

        Raises:
            KratosSessionInvalidError: They have none that is active.
            KratosSecondFactorError: They have to sign in with a second factor first.
            KratosUnavailableError: Kratos does not answer, or not as it should.
        """
        operation = "whoami"
        params: Params = () if tokenize_as is None else (("tokenize_as", tokenize_as),)
        headers = _credentials(operation, cookie, session_token)
        answer = await self._public.ask(operation, "GET", "sessions/whoami", params=params, headers=headers)
        session = self._public.read(operation, answer, self._session_class)
        if not session.is_active:
            raise KratosSessionInvalidError(
                "whoami: the session is over, or its owner is disabled: they have to sign in", operation=operation
            )
        return session

    async def list_my_sessions(
        self, cookie: str | None = None, *, session_token: str | SecretStr | None = None
    ) -> list[KratosSessionInfo]:
        """Return the other active sessions of whoever has this one, at most 250.

        Raises:
            KratosOperationError: As `whoami` does.
        """
        operation = "list my sessions"
        headers = _credentials(operation, cookie, session_token)
        answer = await self._public.ask(operation, "GET", "sessions", params=(("page_size", "250"),), headers=headers)
        return self._public.read(operation, answer, list[KratosSessionInfo])

    async def disable_my_session(
        self, session_id: UUID | str, cookie: str | None = None, *, session_token: str | SecretStr | None = None
    ) -> None:
        """End one of the other sessions of whoever has this one.

        Raises:
            KratosOperationError: As `whoami` does; Kratos refuses to end this very session (use `logout`).
            ValueError: The id is no UUID.
        """
        operation = "disable my session"
        headers = _credentials(operation, cookie, session_token)
        path = f"sessions/{UUID(str(session_id))}"
        await self._public.ask(operation, "DELETE", path, headers=headers, expected=(204,))

    async def disable_my_other_sessions(
        self, cookie: str | None = None, *, session_token: str | SecretStr | None = None
    ) -> int:
        """End all sessions but this one of whoever has it, and return how many that were.

        Raises:
            KratosOperationError: As `whoami` does.
        """
        operation = "disable my other sessions"
        headers = _credentials(operation, cookie, session_token)
        answer = await self._public.ask(operation, "DELETE", "sessions", headers=headers)
        return self._public.read(operation, answer, dict[str, int]).get("count", 0)

    async def logout(self, session_token: str | SecretStr) -> None:
        """End the session of a token; browsers log out at Kratos itself.

        Raises:
            KratosSessionInvalidError: It opens none.
            KratosUnavailableError: Kratos does not answer, or not as it should.
        """
        body = {"session_token": _plain(session_token)}
        await self._public.ask("logout", "DELETE", "self-service/logout/api", body=body, expected=(204,))

    @cached_property
    def _session_class(self) -> type[SessionT]:
        kind: type[SessionT] = model_of(self, KratosGenericWhoamiService, KratosSession)
        return kind


def _credentials(operation: str, cookie: str | None, session_token: str | SecretStr | None) -> dict[str, str]:
    """Return the header that says who asks; what can be nobody's credential is not sent."""
    if session_token is not None:
        token = _plain(session_token)
        if _TOKEN.fullmatch(token):
            return {"X-Session-Token": token}
    elif cookie is not None and _COOKIE.fullmatch(cookie):
        return {"Cookie": cookie}
    raise KratosSessionInvalidError(
        f"{operation}: there is neither a session token nor a cookie that could be Kratos': they have to sign in",
        operation=operation,
    )


def _plain(token: str | SecretStr) -> str:
    return token.get_secret_value() if isinstance(token, SecretStr) else token
