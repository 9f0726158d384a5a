"""Everybody's sessions: Kratos' admin API about them."""

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Generic
from uuid import UUID

from pydantic import SecretStr
from typing_extensions import TypeVar

from fastapi_factory_utilities.core.services.kratos.calls import KratosCalls
from fastapi_factory_utilities.core.services.kratos.models import KratosSession, KratosSessionInfo
from fastapi_factory_utilities.core.services.kratos.pages import KratosPage, checked_size, next_token
from fastapi_factory_utilities.core.services.kratos.parameters import model_of

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.aiohttp import AioHttpClientResource

__all__ = ["KratosSessionGenericService"]

SessionT = TypeVar("SessionT", bound=KratosSession[Any], default=KratosSession)

_EXPANDED: Final = [("expand", "identity"), ("expand", "devices")]


class KratosSessionGenericService(Generic[SessionT]):
    """Kratos' admin API about sessions.

    Every method raises `KratosUnavailableError` when Kratos does not answer, and `ValueError` for an id that is no
    UUID.

    Args:
        resource: The client of the admin API, such as that of `kratos_admin`.
        api_key: What is sent as a bearer token, for Kratos behind a gateway and for Ory Network.
    """

    def __init__(self, resource: "AioHttpClientResource", *, api_key: SecretStr | None = None) -> None:
        self._admin = KratosCalls(resource, api_key=api_key)

    async def get_session(self, session_id: UUID | str) -> SessionT:
        """Return a session, and whose it is.

        Raises:
            KratosNotFoundError: There is none.
        """
        operation = "get session"
        answer = await self._admin.ask(operation, "GET", _path(session_id), params=_EXPANDED)
        return self._admin.read(operation, answer, self._kind)

    async def list_sessions(
        self, *, active: bool | None = None, page_size: int = 250, page_token: str | None = None
    ) -> KratosPage[SessionT]:
        """Return a page of all sessions.

        Args:
            active: Only those that are, or are not.
            page_size: How many, 1 to 500.
            page_token: Where the page begins: `next_token` of the page before.
        """
        operation = "list sessions"
        params = [*_paged(page_size, page_token, active=active), *_EXPANDED]
        answer = await self._admin.ask(operation, "GET", "admin/sessions", params=params)
        items = self._admin.read(operation, answer, list[self._kind])  # type: ignore[name-defined]  # a value
        return KratosPage(items, next_token(answer.headers))

    async def list_identity_sessions(
        self,
        identity_id: UUID | str,
        *,
        active: bool | None = None,
        page_size: int = 250,
        page_token: str | None = None,
    ) -> KratosPage[KratosSessionInfo]:
        """Return a page of somebody's sessions; the arguments are those of `list_sessions`.

        Raises:
            KratosNotFoundError: There is nobody with this id.
        """
        operation = "list identity sessions"
        path = f"admin/identities/{UUID(str(identity_id))}/sessions"
        answer = await self._admin.ask(operation, "GET", path, params=_paged(page_size, page_token, active=active))
        return KratosPage(self._admin.read(operation, answer, list[KratosSessionInfo]), next_token(answer.headers))

    async def delete_identity_sessions(self, identity_id: UUID | str) -> None:
        """End all sessions of somebody, for good.

        Raises:
            KratosNotFoundError: There is nobody with this id.
        """
        path = f"admin/identities/{UUID(str(identity_id))}/sessions"
        await self._admin.ask("delete identity sessions", "DELETE", path, expected=(204,))

    async def disable_session(self, session_id: UUID | str) -> None:
        """End a session.

        Raises:
            KratosNotFoundError: There is none.
        """
        await self._admin.ask("disable session", "DELETE", _path(session_id), expected=(204,))

    async def extend_session(self, session_id: UUID | str) -> None:
        """Let a session last for another full time, as Kratos is configured.

        Raises:
            KratosNotFoundError: There is none.
        """
        # Older versions answer with the session itself.
        await self._admin.ask("extend session", "PATCH", f"{_path(session_id)}/extend", expected=(204, 200))

    @cached_property
    def _kind(self) -> type[SessionT]:
        kind: type[SessionT] = model_of(self, KratosSessionGenericService, KratosSession)
        return kind


def _path(session_id: UUID | str) -> str:
    return f"admin/sessions/{UUID(str(session_id))}"


def _paged(page_size: int, page_token: str | None, *, active: bool | None) -> list[tuple[str, str]]:
    params = [("page_size", checked_size(page_size))]
    params += [("page_token", page_token)] if page_token is not None else []
    return params + ([("active", str(active).lower())] if active is not None else [])
