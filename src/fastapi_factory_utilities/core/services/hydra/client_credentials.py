"""A token of our own, for calls to other services: fetched once, kept, and renewed before it ends (RFC 6749, 4.4)."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pydantic import SecretStr

from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.redaction import forget_secrets, register_secrets
from fastapi_factory_utilities.core.services.hydra.calls import Client, HydraCalls
from fastapi_factory_utilities.core.services.hydra.errors import HydraOperationError
from fastapi_factory_utilities.core.services.hydra.models import HydraAccessToken

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.aiohttp import AioHttpClientResource

__all__ = ["HydraOAuth2ClientCredentialsService"]

_log = get_logger(__name__)

_EARLY_SHARE: Final = 0.2  # of a token's life, at whose end it is renewed while it is still good
_EARLY_SECONDS: Final = 60.0  # at most
_UNSAID_SECONDS: Final = 60.0  # how long a token is used whose end was not told
_PAUSE_SECONDS: Final = 1.0  # between attempts to renew a token that is still good


@dataclass(slots=True)
class _Kept:
    """A token, and when it is renewed and ends, by the clock of the process.

    Attributes:
        token: The token.
        replaced: The one before, which calls under way may still carry.
        renew_at: When it is renewed.
        ends_at: When it is good no more.
        attempts: How often Hydra was asked and has answered, or not.
        failure: Why the last attempt brought no token.
        lock: Who asks.
    """

    token: SecretStr | None = None
    replaced: SecretStr | None = None
    renew_at: float = 0.0
    ends_at: float = 0.0
    attempts: int = 0
    failure: HydraOperationError | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class HydraOAuth2ClientCredentialsService:
    """Gets tokens for this service itself.

    However many ask at once, Hydra is asked once. A token is renewed in the last fifth of its life, a minute at most;
    if Hydra is away then, the old one is used as long as it is good.

    Args:
        resource: The client of the public API, such as that of `hydra_public`.
        client_id: Who we are to Hydra.
        client_secret: The proof.
    """

    def __init__(self, resource: "AioHttpClientResource", client_id: str, client_secret: SecretStr) -> None:
        self._public: HydraCalls = HydraCalls(resource)
        self._client = Client(client_id, client_secret)
        self._kept: dict[tuple[tuple[str, ...], tuple[str, ...]], _Kept] = {}

    async def get_access_token(self, scopes: Sequence[str] = (), audiences: Sequence[str] = ()) -> SecretStr:
        """Return a token that is good.

        Args:
            scopes: What it must allow.
            audiences: Whom it must be for.

        Raises:
            HydraClientRefusedError: Hydra does not take our id and secret, or not for this.
            HydraOperationError: Hydra refused otherwise, or does not answer and there is no token that is still good.
        """
        key = (tuple(scopes), tuple(audiences))
        kept = self._kept.get(key)
        if kept is None:
            kept = self._kept[key] = _Kept()
        if kept.token is not None and time.monotonic() < kept.renew_at:
            return kept.token
        return await self._renewed(kept, *key)

    def forget(self) -> None:
        """Fetch anew at the next call, such as after another service has refused a token that was good."""
        for kept in self._kept.values():
            kept.renew_at = kept.ends_at = 0.0

    async def _renewed(self, kept: _Kept, scopes: tuple[str, ...], audiences: tuple[str, ...]) -> SecretStr:
        if kept.token is not None and kept.lock.locked() and time.monotonic() < kept.ends_at:
            return kept.token  # somebody is at it, and this one is still good
        attempts = kept.attempts
        async with kept.lock:
            if kept.token is not None and time.monotonic() < kept.renew_at:
                return kept.token
            if kept.failure is not None and kept.attempts != attempts:
                raise kept.failure  # it was for all who waited: each asking again would make the last wait for ages
            began = time.monotonic()
            try:
                found = await self._fetch(scopes, audiences)
            except HydraOperationError as error:
                kept.attempts, kept.failure = kept.attempts + 1, error
                good_for = kept.ends_at - time.monotonic()
                if kept.token is None or good_for <= 0:
                    raise
                kept.renew_at = time.monotonic() + _PAUSE_SECONDS
                _log.warning("token not renewed", reason=str(error), good_for_s=round(good_for, 1))
                return kept.token
            kept.attempts, kept.failure = kept.attempts + 1, None
            return _keep(kept, found, began)

    async def _fetch(self, scopes: tuple[str, ...], audiences: tuple[str, ...]) -> HydraAccessToken:
        form = {"grant_type": "client_credentials"}
        if scopes:
            form["scope"] = " ".join(scopes)
        if audiences:
            form["audience"] = " ".join(audiences)
        return await self._public.ask(
            "client credentials", "POST", "/oauth2/token", HydraAccessToken, form=form, client=self._client
        )


def _keep(kept: _Kept, found: HydraAccessToken, began: float) -> SecretStr:
    """Keep a token that was asked for at `began`, and let logs mask it and the one before, but no others for ever."""
    token, before = found.access_token, kept.replaced
    if before is not None and before not in (kept.token, token):
        forget_secrets([before.get_secret_value()])
    register_secrets([token.get_secret_value()])
    kept.token, kept.replaced = token, kept.token
    lasts = found.expires_in or _UNSAID_SECONDS
    # It lasts from when Hydra made it, which was after we asked.
    kept.ends_at = began + lasts
    kept.renew_at = kept.ends_at - min(lasts * _EARLY_SHARE, _EARLY_SECONDS)
    return token
