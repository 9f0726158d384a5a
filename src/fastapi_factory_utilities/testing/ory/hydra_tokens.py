"""The clients of a fake Hydra, and the tokens that it gave."""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["Client", "Tokens"]

_INACTIVE: Final = {"active": False}


@dataclass(frozen=True, slots=True)
class Client:
    """A client that may have tokens of its own."""

    secret: str
    scopes: frozenset[str]
    audiences: frozenset[str]
    lifespan_seconds: float


class Tokens:
    """Issues, knows and revokes them.

    Args:
        issuer: Says who issues them.
    """

    def __init__(self, issuer: Callable[[], str]) -> None:
        self._issuer = issuer
        self._clients: dict[str, Client] = {}
        self._given: dict[str, tuple[float, dict[str, Any]]] = {}

    def add_client(
        self,
        client_id: str,
        secret: str,
        scopes: frozenset[str],
        audiences: frozenset[str],
        lifespan_seconds: float,
    ) -> None:
        """Add a client, or replace it."""
        self._clients[client_id] = Client(secret, scopes, audiences, lifespan_seconds)

    def client(self, client_id: str, secret: str) -> Client | None:
        """Return a client; `None` if there is none, or the secret is wrong."""
        known = self._clients.get(client_id)
        return known if known is not None and known.secret == secret else None

    def issue(self, client_id: str, lifespan_seconds: float, claims: Mapping[str, Any]) -> str:
        """Issue a token, and return it."""
        token = f"ory_at_{secrets.token_urlsafe(32)}"
        now = time.time()
        told = {
            "active": True,
            "client_id": client_id,
            "sub": client_id,
            "iss": self._issuer(),
            "iat": int(now),
            "nbf": int(now),
            "exp": int(now + lifespan_seconds),
            "token_type": "Bearer",
            "token_use": "access_token",
            "aud": [],
            **claims,
        }
        self._given[token] = (now + lifespan_seconds, told)
        return token

    def revoke(self, token: str) -> None:
        """Let a token be good no more."""
        self._given.pop(token, None)

    def introspected(self, token: str, scope: str | None) -> dict[str, Any]:
        """Say what introspection says."""
        ends_at, told = self._given.get(token, (0.0, _INACTIVE))
        if ends_at <= time.time() or not set((scope or "").split()) <= set(str(told.get("scope", "")).split()):
            return dict(_INACTIVE)
        return told
