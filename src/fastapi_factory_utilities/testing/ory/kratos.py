"""A Kratos as a test holds it: synchronous, safe from any thread and any event loop."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi_factory_utilities.core.plugins.aiohttp import required  # noqa: F401 - says how to install the rest

# isort: split
from aiohttp import web

from fastapi_factory_utilities.testing.ory.kratos_admin import AdminApi
from fastapi_factory_utilities.testing.ory.kratos_identities import Identities
from fastapi_factory_utilities.testing.ory.kratos_public import PublicApi
from fastapi_factory_utilities.testing.ory.kratos_sessions import Sessions, SignedIn
from fastapi_factory_utilities.testing.ory.server import OryServer

__all__ = ["FakeKratos"]


class FakeKratos(OryServer):
    """Ory Kratos on loopback, as far as services call it; its flows for browsers are not there.

    ::

        with FakeKratos() as kratos:
            ada = kratos.add_identity({"email": "ada@example.org"})
            session = kratos.sign_in(ada)
            app = AppBuilder().add_config({"dependencies": {"kratos_public": {"url": kratos.public_url}}}).build()
            ...
            await client.get("/me", headers=session.cookie_headers)

    Paths, bodies and answers are those of Ory's OpenAPI document of version 25.4. It has no schemas: `email` and
    `username` of the traits are what people sign in with.
    """

    thread_name = "fake-kratos"

    def __init__(self) -> None:
        super().__init__()
        self._identities = Identities()
        self._sessions = Sessions(self._identities)
        self._public = PublicApi(self._sessions)
        self._admin = AdminApi(self._identities, self._sessions)

    def routes(self) -> Mapping[str, Sequence[web.RouteDef]]:
        """Return what each door serves."""
        return {"public": self._public.routes(), "admin": self._admin.routes()}

    # --- people ---

    def add_identity(
        self,
        traits: Mapping[str, Any],
        *,
        schema_id: str = "default",
        **more: Any,  # noqa: ANN401 - whatever JSON can say
    ) -> str:
        """Add somebody, and return the id.

        Args:
            traits: Their traits.
            schema_id: What these are of.
            **more: More of Ory's `createIdentityBody`, such as `credentials` and `metadata_public`.
        """
        identity_id: str = self._identities.add({"traits": traits, "schema_id": schema_id, **more})["id"]
        return identity_id

    def disable_identity(self, identity_id: str) -> None:
        """Let somebody's sessions open nothing any more."""
        self._identities.get(identity_id)["state"] = "inactive"

    @property
    def identity_ids(self) -> list[str]:
        """Who is there."""
        return list(self._identities.documents)

    # --- sessions ---

    def sign_in(self, identity_id: str, *, aal: str = "aal1", expires_in_seconds: float = 3600.0) -> SignedIn:
        """Sign somebody in.

        Args:
            identity_id: Who.
            aal: How sure it is that it is them: `aal1`, or `aal2` with a second factor.
            expires_in_seconds: How long it lasts; below 0 it is over already.
        """
        return self._sessions.add(identity_id, aal=aal, expires_in_seconds=expires_in_seconds)

    def revoke(self, session: SignedIn) -> None:
        """End a session."""
        self._sessions.get(session.session_id)["active"] = False

    def is_active(self, session: SignedIn) -> bool:
        """Whether a session still opens anything."""
        document = self._sessions.documents.get(session.session_id)
        return document is not None and self._sessions.is_active(document)

    def require_second_factor(self, *, needed: bool = True) -> None:
        """Refuse sessions with one factor (Kratos' `session.whoami.required_aal: highest_available`)."""
        self._public.second_factor_required = needed

    # --- recovery ---

    @property
    def recovery_codes(self) -> dict[str, str]:
        """The recovery code that was made last for each identity."""
        return dict(self._admin.recovery_codes)

    @property
    def recovery_links(self) -> dict[str, str]:
        """The recovery link that was made last for each identity."""
        return dict(self._admin.recovery_links)
