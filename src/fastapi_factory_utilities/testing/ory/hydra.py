"""A Hydra as a test holds it: synchronous, safe from any thread and any event loop."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi_factory_utilities.core.plugins.aiohttp import required  # noqa: F401 - says how to install the rest

# isort: split
from aiohttp import web

from fastapi_factory_utilities.testing.ory.hydra_apis import AdminApi, PublicApi
from fastapi_factory_utilities.testing.ory.hydra_tokens import Tokens
from fastapi_factory_utilities.testing.ory.server import OryServer

__all__ = ["FakeHydra"]


class FakeHydra(OryServer):
    """Ory Hydra on loopback, as far as services call it: client credentials, introspection, keys.

    ::

        with FakeHydra() as hydra:
            hydra.add_client("shop", "a secret", scopes=["stock:read"])
            token = hydra.issue(sub="ada", scope="books:read")

    Paths, bodies and answers are those of Ory's OpenAPI document of version 25.4. Tokens are opaque.

    Attributes:
        keys: What `/.well-known/jwks.json` answers with; replace it to rotate.
    """

    thread_name = "fake-hydra"

    def __init__(self) -> None:
        super().__init__()
        self._tokens = Tokens(lambda: self.public_url)
        self.keys: list[dict[str, Any]] = []

    def routes(self) -> Mapping[str, Sequence[web.RouteDef]]:
        """Return what each door serves."""
        public = PublicApi(self._tokens, lambda: self.keys, lambda: self.public_url)
        return {"public": public.routes(), "admin": AdminApi(self._tokens).routes()}

    def add_client(
        self,
        client_id: str,
        client_secret: str,
        *,
        scopes: Sequence[str] = (),
        audiences: Sequence[str] = (),
        lifespan_seconds: float = 3600,
    ) -> None:
        """Add a client that may have tokens of its own.

        Args:
            client_id: Its id.
            client_secret: Its secret.
            scopes: What it may ask for.
            audiences: Whom for.
            lifespan_seconds: How long its tokens are good.
        """
        self._tokens.add_client(client_id, client_secret, frozenset(scopes), frozenset(audiences), lifespan_seconds)

    def issue(
        self,
        *,
        client_id: str = "app",
        lifespan_seconds: float = 3600,
        **claims: Any,  # noqa: ANN401 - whatever JSON can say
    ) -> str:
        """Issue an access token, as after a sign-in, and return it.

        Args:
            client_id: The client that it is given to.
            lifespan_seconds: How long it is good.
            **claims: More of what introspection says: `sub`, `scope`, `aud`, `ext`.
        """
        return self._tokens.issue(client_id, lifespan_seconds, claims)

    def revoke(self, token: str) -> None:
        """Let a token be good no more."""
        self._tokens.revoke(token)
