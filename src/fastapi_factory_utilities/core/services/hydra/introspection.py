"""Whether a token is good: Hydra is asked, and what it says is remembered for a moment (RFC 7662)."""

import time
from collections import OrderedDict
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, Generic

from pydantic import SecretStr
from typing_extensions import TypeVar

from fastapi_factory_utilities.core.generics import type_arguments
from fastapi_factory_utilities.core.services.hydra.calls import HydraCalls
from fastapi_factory_utilities.core.services.hydra.models import HydraTokenIntrospection

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.aiohttp import AioHttpClientResource

__all__ = ["HydraIntrospectGenericService"]

IntrospectionT = TypeVar("IntrospectionT", bound=HydraTokenIntrospection, default=HydraTokenIntrospection)

_LONGEST_TOKEN: Final = 16_384


class HydraIntrospectGenericService(Generic[IntrospectionT]):
    """Hydra's admin API, as services use it: is this token good, and what does it say?

    With a model of your own, whose fields have defaults::

        class Introspection(HydraIntrospectGenericService[MyIntrospection]): ...

    Args:
        resource: The client of the admin API, such as that of `hydra_admin`.
        api_key: What is sent to it as a bearer token.
        cache_seconds: For how long an answer is remembered, and never beyond the token's end; so long a token that was
            revoked may go on. 0 asks each time.
        cache_size: How many answers are remembered.
    """

    def __init__(
        self,
        resource: "AioHttpClientResource",
        *,
        api_key: SecretStr | None = None,
        cache_seconds: float = 0.0,
        cache_size: int = 10_000,
    ) -> None:
        self._admin: HydraCalls = HydraCalls(resource, api_key=api_key)
        self._cache_seconds = cache_seconds
        self._cache_size = cache_size
        # Of the tokens only hashes are kept. By the clock of the process: an answer does not get younger.
        self._known: OrderedDict[bytes, tuple[IntrospectionT, float]] = OrderedDict()

    async def introspect(self, token: str | SecretStr, *, scope: str | None = None) -> IntrospectionT:
        """Ask about a token. One that is not active is a result: `active` is false.

        Args:
            token: An access or refresh token.
            scope: Scopes, separated by spaces: without all of them the token is not active.

        Raises:
            HydraOperationError: Hydra refused to say, or did not answer.
            TypeError: A field of your own model has no default.
        """
        text = token.get_secret_value() if isinstance(token, SecretStr) else token
        if not 0 < len(text) <= _LONGEST_TOKEN or not (text.isascii() and text.isprintable()):
            # No token at all (RFC 6749, A.12), and so nothing to ask about.
            return self._model.model_validate({"active": False})
        if self._cache_seconds <= 0:
            return await self._ask(text, scope)
        key = sha256(f"{scope or ''}\n{text}".encode()).digest()
        known = self._known.get(key)
        if known is not None and time.monotonic() < known[1]:
            self._known.move_to_end(key)
            return known[0]
        found = await self._ask(text, scope)
        self._remember(key, found)
        return found

    async def _ask(self, token: str, scope: str | None) -> IntrospectionT:
        form = {"token": token} if scope is None else {"token": token, "scope": scope}
        return await self._admin.ask("introspect", "POST", "/admin/oauth2/introspect", self._model, form=form)

    def _remember(self, key: bytes, found: IntrospectionT) -> None:
        lasts = self._cache_seconds
        if found.active and found.exp is not None:
            lasts = min(lasts, found.exp.timestamp() - time.time())
        self._known.pop(key, None)
        if lasts > 0:
            self._known[key] = (found, time.monotonic() + lasts)
        while len(self._known) > self._cache_size:
            self._known.popitem(last=False)

    @cached_property
    def _model(self) -> type[IntrospectionT]:
        # Which it is, is known when the service has been made, and so it is asked at the first answer.
        (found,) = type_arguments(getattr(self, "__orig_class__", type(self)), HydraIntrospectGenericService)
        chosen: Any = HydraTokenIntrospection if hasattr(found, "__bound__") else found
        needed = [name for name, field in chosen.model_fields.items() if field.is_required() and name != "active"]
        if needed:
            raise TypeError(
                f"{chosen.__name__}: give {', '.join(needed)} a default: of a token that is not active, Hydra says "
                f"nothing else"
            )
        return chosen  # type: ignore[no-any-return]  # a class that extends it
