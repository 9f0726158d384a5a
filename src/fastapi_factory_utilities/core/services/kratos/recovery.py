"""Letting somebody into their account again: Kratos' admin API about recovery."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import SecretStr

from fastapi_factory_utilities.core.services.kratos.calls import KratosCalls
from fastapi_factory_utilities.core.services.kratos.models import KratosRecoveryCode, KratosRecoveryLink

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.aiohttp import AioHttpClientResource

__all__ = ["KratosRecoveryService"]


class KratosRecoveryService:
    """Makes codes and links by which somebody gets in without their password: hand them to nobody else.

    Args:
        resource: The client of the admin API, such as that of `kratos_admin`.
        api_key: What is sent as a bearer token, for Kratos behind a gateway and for Ory Network.
    """

    def __init__(self, resource: "AioHttpClientResource", *, api_key: SecretStr | None = None) -> None:
        self._admin = KratosCalls(resource, api_key=api_key)

    async def create_recovery_code(
        self, identity_id: UUID | str, *, expires_in: timedelta | None = None
    ) -> KratosRecoveryCode:
        """Make a code, and a link to where it is typed in.

        Args:
            identity_id: Whose account it is.
            expires_in: How long it can be used, in whole seconds; by default as Kratos is configured.

        Raises:
            KratosNotFoundError: There is nobody with this id.
            KratosOperationError: Kratos is not configured to recover by codes.
            KratosUnavailableError: It does not answer.
            ValueError: The id is no UUID, or the time is none.
        """
        operation = "create recovery code"
        body = _body(identity_id, expires_in)
        answer = await self._admin.ask(operation, "POST", "admin/recovery/code", body=body, expected=(201,))
        return self._admin.read(operation, answer, KratosRecoveryCode)

    async def create_recovery_link(
        self, identity_id: UUID | str, *, expires_in: timedelta | None = None, return_to: str | None = None
    ) -> KratosRecoveryLink:
        """Make a link.

        Args:
            identity_id: Whose account it is.
            expires_in: How long it can be used, in whole seconds; by default as Kratos is configured.
            return_to: Where it leads in the end, one of the URLs that Kratos allows.

        Raises:
            KratosNotFoundError: There is nobody with this id.
            KratosOperationError: Kratos is not configured to recover by links.
            KratosUnavailableError: It does not answer.
            ValueError: The id is no UUID, or the time is none.
        """
        operation = "create recovery link"
        params = () if return_to is None else (("return_to", return_to),)
        body = _body(identity_id, expires_in)
        answer = await self._admin.ask(operation, "POST", "admin/recovery/link", params=params, body=body)
        return self._admin.read(operation, answer, KratosRecoveryLink)


def _body(identity_id: UUID | str, expires_in: timedelta | None) -> dict[str, Any]:
    body = {"identity_id": str(UUID(str(identity_id)))}
    if expires_in is not None:
        seconds = int(expires_in.total_seconds())
        if seconds < 1:
            raise ValueError("expires_in is a second at least")
        body["expires_in"] = f"{seconds}s"
    return body
