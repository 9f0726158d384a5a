"""The two APIs of a fake Hydra, as far as services call them."""

from base64 import b64decode
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import unquote_plus

from fastapi_factory_utilities.core.plugins.aiohttp import required  # noqa: F401 - says how to install the rest

# isort: split
from aiohttp import web

from fastapi_factory_utilities.testing.ory.hydra_tokens import Client, Tokens

__all__ = ["AdminApi", "PublicApi"]


class PublicApi:
    """What clients ask.

    Args:
        tokens: The tokens.
        keys: Says which keys are published.
        issuer: Says who it is.
    """

    def __init__(self, tokens: Tokens, keys: Callable[[], Sequence[Any]], issuer: Callable[[], str]) -> None:
        self._tokens = tokens
        self._keys = keys
        self._issuer = issuer

    def routes(self) -> Sequence[web.RouteDef]:
        """Return what is served."""
        return [
            web.post("/oauth2/token", self._token),
            web.get("/.well-known/jwks.json", self._jwks),
            web.get("/.well-known/openid-configuration", self._discovery),
        ]

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        client_id, secret = _credentials(request)
        client = self._tokens.client(client_id, secret)
        if client is None:
            return _refused(401, "invalid_client", "Client authentication failed.")
        if form.get("grant_type") != "client_credentials":
            return _refused(400, "unsupported_grant_type", "The grant type is not supported.")
        scope, audience = str(form.get("scope", "")), str(form.get("audience", ""))
        return self._given(client_id, client, scope, audience)

    def _given(self, client_id: str, client: Client, scope: str, audience: str) -> web.Response:
        if not client.scopes.issuperset(scope.split()):
            return _refused(400, "invalid_scope", "The requested scope is invalid, unknown, or malformed.")
        if not client.audiences.issuperset(audience.split()):
            return _refused(400, "invalid_request", "Requested audience has not been whitelisted.")
        claims = {"scope": scope, "aud": audience.split()}
        token = self._tokens.issue(client_id, client.lifespan_seconds, claims)
        lasts = int(client.lifespan_seconds)
        return web.json_response({"access_token": token, "expires_in": lasts, "scope": scope, "token_type": "bearer"})

    async def _jwks(self, request: web.Request) -> web.Response:  # noqa: ARG002 - the signature of handlers
        return web.json_response({"keys": list(self._keys())})

    async def _discovery(self, request: web.Request) -> web.Response:  # noqa: ARG002 - likewise
        issuer = self._issuer()
        return web.json_response(
            {
                "issuer": issuer,
                "authorization_endpoint": f"{issuer}/oauth2/auth",
                "token_endpoint": f"{issuer}/oauth2/token",
                "jwks_uri": f"{issuer}/.well-known/jwks.json",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )


class AdminApi:
    """What services ask.

    Args:
        tokens: The tokens.
    """

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def routes(self) -> Sequence[web.RouteDef]:
        """Return what is served."""
        return [web.post("/admin/oauth2/introspect", self._introspect)]

    async def _introspect(self, request: web.Request) -> web.Response:
        form = await request.post()
        scope = form.get("scope")
        return web.json_response(
            self._tokens.introspected(str(form.get("token", "")), None if scope is None else str(scope))
        )


def _credentials(request: web.Request) -> tuple[str, str]:
    """Read a client's id and secret (RFC 6749, 2.3.1)."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    try:
        client_id, _, secret = b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return (unquote_plus(client_id), unquote_plus(secret)) if scheme.lower() == "basic" else ("", "")


def _refused(status: int, error: str, description: str) -> web.Response:
    """Refuse as OAuth does (RFC 6749, 5.2)."""
    return web.json_response({"error": error, "error_description": description}, status=status)
