"""Everybody who can sign in: Kratos' admin API about identities and their credentials."""

from collections.abc import AsyncIterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic
from urllib.parse import quote
from uuid import UUID

from pydantic import BaseModel, SecretStr
from typing_extensions import TypeVar

from fastapi_factory_utilities.core.services.kratos.bodies import credentials_body, identity_body
from fastapi_factory_utilities.core.services.kratos.calls import KratosCalls
from fastapi_factory_utilities.core.services.kratos.models import KratosIdentity
from fastapi_factory_utilities.core.services.kratos.pages import KratosPage, checked_size, next_token
from fastapi_factory_utilities.core.services.kratos.parameters import model_of

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.aiohttp import AioHttpClientResource

__all__ = ["KratosIdentityGenericService"]

IdentityT = TypeVar("IdentityT", bound=KratosIdentity[Any], default=KratosIdentity)


class KratosIdentityGenericService(Generic[IdentityT]):
    """Kratos' admin API about identities.

    With traits of your own::

        class People(KratosIdentityGenericService[KratosIdentity[Traits]]): ...

    Every method raises `KratosUnavailableError` when Kratos does not answer, and `ValueError` for an id that is no
    UUID.

    Args:
        resource: The client of the admin API, such as that of `kratos_admin`.
        api_key: What is sent as a bearer token, for Kratos behind a gateway and for Ory Network.
    """

    def __init__(self, resource: "AioHttpClientResource", *, api_key: SecretStr | None = None) -> None:
        self._admin = KratosCalls(resource, api_key=api_key)

    async def get_identity(self, identity_id: UUID | str, *, include_credential: Sequence[str] = ()) -> IdentityT:
        """Return somebody.

        Args:
            identity_id: Their id.
            include_credential: The kinds of credentials whose `config` is wanted, such as `oidc`.

        Raises:
            KratosNotFoundError: There is nobody with this id.
        """
        operation = "get identity"
        params = [("include_credential", kind) for kind in include_credential]
        answer = await self._admin.ask(operation, "GET", _path(identity_id), params=params)
        return self._admin.read(operation, answer, self._identity_class)

    async def find_identity(self, credentials_identifier: str) -> IdentityT | None:
        """Return who signs in with this e-mail address or name; `None` if nobody does."""
        page = await self._page([("credentials_identifier", credentials_identifier)])
        return page.items[0] if page.items else None

    async def list_identities(
        self, *, page_size: int = 250, page_token: str | None = None, ids: Sequence[UUID | str] = ()
    ) -> KratosPage[IdentityT]:
        """Return a page of everybody, or those with these ids (at most 500).

        Raises:
            ValueError: A page has 1 to 500 of them.
        """
        params = [("page_size", checked_size(page_size))]
        params += [("page_token", page_token)] if page_token is not None else []
        return await self._page(params + [("ids", str(UUID(str(one)))) for one in ids])

    async def stream_identities(self, *, page_size: int = 250) -> AsyncIterator[IdentityT]:
        """Go through everybody, with one page of them in memory at a time."""
        token: str | None = None
        while True:
            page = await self.list_identities(page_size=page_size, page_token=token)
            for identity in page.items:
                yield identity
            if page.next_token in (None, token):  # the same one again would never end
                return
            token = page.next_token

    async def create_identity(
        self,
        traits: Mapping[str, Any] | BaseModel,
        *,
        schema_id: str = "default",
        state: str = "active",
        password: SecretStr | None = None,
        hashed_password: SecretStr | None = None,
        credentials: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        metadata_public: Mapping[str, Any] | None = None,
        metadata_admin: Mapping[str, Any] | None = None,
    ) -> IdentityT:
        """Add somebody.

        Args:
            traits: Their traits; of a model, those that are not `None`.
            schema_id: The identity schema that these follow.
            state: `active`, or `inactive`: then they cannot sign in.
            password: Their password.
            hashed_password: Its hash, in a form that Kratos imports.
            credentials: Other credentials, as Ory's `identityWithCredentials` has them.
            external_id: Your own id of them.
            metadata_public: What they may read themselves.
            metadata_admin: What they may not.

        Raises:
            KratosConflictError: Somebody signs in with one of their identifiers already.
            KratosOperationError: Kratos does not take the traits, or the password.
        """
        operation = "create identity"
        body = identity_body(traits, schema_id, state, external_id, metadata_public, metadata_admin)
        body |= credentials_body(credentials, password, hashed_password)
        answer = await self._admin.ask(operation, "POST", "admin/identities", body=body, expected=(201,))
        return self._admin.read(operation, answer, self._identity_class)

    async def update_identity(
        self,
        identity_id: UUID | str,
        traits: Mapping[str, Any] | BaseModel,
        *,
        state: str,
        schema_id: str = "default",
        password: SecretStr | None = None,
        hashed_password: SecretStr | None = None,
        credentials: Mapping[str, Any] | None = None,
        external_id: str | None = None,
        metadata_public: Mapping[str, Any] | None = None,
        metadata_admin: Mapping[str, Any] | None = None,
    ) -> IdentityT:
        """Replace what is known of somebody; the arguments are those of `create_identity`.

        Raises:
            KratosNotFoundError: There is nobody with this id.
            KratosConflictError: Somebody else signs in with one of their identifiers.
            KratosOperationError: Kratos does not take it.
        """
        operation = "update identity"
        body = identity_body(traits, schema_id, state, external_id, metadata_public, metadata_admin)
        body |= credentials_body(credentials, password, hashed_password)
        answer = await self._admin.ask(operation, "PUT", _path(identity_id), body=body)
        return self._admin.read(operation, answer, self._identity_class)

    async def patch_identity(self, identity_id: UUID | str, patches: Sequence[Mapping[str, Any]]) -> IdentityT:
        """Change a part of somebody by JSON patches (RFC 6902).

        Args:
            identity_id: Their id.
            patches: Such as `{"op": "replace", "path": "/state", "value": "inactive"}`.

        Raises:
            KratosNotFoundError: There is nobody with this id.
            KratosConflictError: Somebody else signs in with one of their identifiers.
            KratosOperationError: A patch cannot be applied.
        """
        operation = "patch identity"
        body = [dict(patch) for patch in patches]
        answer = await self._admin.ask(operation, "PATCH", _path(identity_id), body=body)
        return self._admin.read(operation, answer, self._identity_class)

    async def delete_identity(self, identity_id: UUID | str) -> None:
        """Forget somebody, with their sessions and credentials; this cannot be undone.

        Raises:
            KratosNotFoundError: There is nobody with this id.
        """
        await self._admin.ask("delete identity", "DELETE", _path(identity_id), expected=(204,))

    async def delete_credential(self, identity_id: UUID | str, kind: str, *, identifier: str | None = None) -> None:
        """Take one way to sign in from somebody.

        Args:
            identity_id: Their id.
            kind: The kind of credential, such as `totp`, `webauthn`, `oidc`.
            identifier: Which one of them, for `oidc` and `saml`.

        Raises:
            KratosNotFoundError: There is nobody with this id, or they have no such credential.
            KratosOperationError: Kratos does not take this kind away.
            ValueError: That is no kind.
        """
        if not kind.replace("_", "").isalnum():
            raise ValueError("kind is a kind of credential, such as totp")
        path = f"{_path(identity_id)}/credentials/{quote(kind, safe='')}"
        params = () if identifier is None else (("identifier", identifier),)
        await self._admin.ask("delete credential", "DELETE", path, params=params, expected=(204,))

    async def _page(self, params: list[tuple[str, str]]) -> KratosPage[IdentityT]:
        operation = "list identities"
        answer = await self._admin.ask(operation, "GET", "admin/identities", params=params)
        items = self._admin.read(operation, answer, list[self._identity_class])  # type: ignore[name-defined]  # a value
        return KratosPage(items, next_token(answer.headers))

    @cached_property
    def _identity_class(self) -> type[IdentityT]:
        kind: type[IdentityT] = model_of(self, KratosIdentityGenericService, KratosIdentity)
        return kind


def _path(identity_id: UUID | str) -> str:
    return f"admin/identities/{UUID(str(identity_id))}"
