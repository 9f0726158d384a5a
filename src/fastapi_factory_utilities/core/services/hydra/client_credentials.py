"""A token of our own, for calls to other services: fetched once, kept, and renewed before it ends (RFC 6749, 4.4)."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pydantic import SecretStr

from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.redaction import register_secrets
from fastapi_factory_utilities.core.services.hydra.calls import Client, HydraCalls
from fastapi_factory_utilities.core.services.hydra.errors import HydraOperationError, HydraUnavailableError
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
    """A token, and when it is renewed and ends, by the clock of the process."""

    token: HydraAccessToken | None = None
    renew_at: float = 0.0
    ends_at: float = 0.0
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
        if kept.token is None or time.monotonic() >= kept.renew_at:
            await self._renew(kept, *key)
        token = kept.token
        if token is None:  # `_renew` has raised, or somebody forgot it in between
            raise HydraUnavailableError("the token was forgotten while it was fetched: ask again")
        return token.access_token

    def forget(self) -> None:
        """Fetch anew at the next call, such as after another service has refused a token that was good."""
        self._kept.clear()

    async def _renew(self, kept: _Kept, scopes: tuple[str, ...], audiences: tuple[str, ...]) -> None:
        if kept.token is not None and kept.lock.locked() and time.monotonic() < kept.ends_at:
            return  # somebody is at it, and this one is still good
        async with kept.lock:
            now = time.monotonic()
            if kept.token is not None and now < kept.renew_at:
                return
            form = {"grant_type": "client_credentials"}
            if scopes:
                form["scope"] = " ".join(scopes)
            if audiences:
                form["audience"] = " ".join(audiences)
            try:
                token = await self._public.ask(
                    "client credentials", "POST", "/oauth2/token", HydraAccessToken, form=form, client=self._client
                )
            except HydraOperationError as error:
                if kept.token is None or time.monotonic() >= kept.ends_at:
                    kept.token = None
                    raise
                kept.renew_at = time.monotonic() + _PAUSE_SECONDS
                _log.warning(
                    "token not renewed", reason=str(error), good_for_s=round(kept.ends_at - time.monotonic(), 1)
                )
                return
            register_secrets([token.access_token.get_secret_value()])
            lasts = token.expires_in or _UNSAID_SECONDS
            # It lasts from when Hydra made it, which was after we asked.
            kept.token, kept.ends_at = token, now + lasts
            kept.renew_at = now + lasts - min(lasts * _EARLY_SHARE, _EARLY_SECONDS)
