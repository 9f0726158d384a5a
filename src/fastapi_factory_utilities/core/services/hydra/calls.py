"""How Hydra is called: one question, one answer, and errors that are ours."""

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus

from pydantic import BaseModel, SecretStr, ValidationError

from fastapi_factory_utilities.core.exceptions import BackendUnavailableError
from fastapi_factory_utilities.core.plugins.aiohttp import (
    AioHttpClientError,
    required,  # noqa: F401 - says how to install the rest
)
from fastapi_factory_utilities.core.services.hydra.errors import (
    HydraClientRefusedError,
    HydraOperationError,
    HydraUnavailableError,
)

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.aiohttp import AioHttpClientResource

__all__ = ["Client", "HydraCalls"]

_REFUSED: Final = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_BUSY: Final = (HTTPStatus.TOO_MANY_REQUESTS,)
_ERROR_ID_LENGTH: Final = 64
_SERVER_ERROR: Final = 500


@dataclass(frozen=True, slots=True)
class Client:
    """Who we are to Hydra.

    Attributes:
        id: The client's id.
        secret: Its secret.
    """

    id: str
    secret: SecretStr


class HydraCalls:
    """Calls one of Hydra's two APIs; it follows no redirects, so that tokens and secrets go to Hydra only.

    Args:
        resource: The API's client.
        api_key: What is sent as a bearer token, for Hydra behind a gateway and for Ory Network.
    """

    def __init__(self, resource: "AioHttpClientResource", *, api_key: SecretStr | None = None) -> None:
        self._resource = resource
        self._api_key = api_key

    async def ask[ModelT: BaseModel](
        self,
        operation: str,
        method: str,
        path: str,
        kind: type[ModelT],
        *,
        form: Mapping[str, str] | None = None,
        client: Client | None = None,
    ) -> ModelT:
        """Ask Hydra something, and return what it says.

        Args:
            operation: What it is, for errors.
            method: The method.
            path: The path.
            kind: What the answer is read as.
            form: What is sent as a form.
            client: Who asks (RFC 6749, 2.3.1).

        Raises:
            HydraClientRefusedError: Hydra does not take the client, or not for this.
            HydraUnavailableError: It cannot be reached, fails, or answers with something else than its API says.
            HydraOperationError: It refused otherwise.
        """
        headers = {"Accept": "application/json"}
        if client is not None:
            headers["Authorization"] = _credentials(client)
        elif self._api_key is not None:
            headers["Authorization"] = f"Bearer {self._api_key.get_secret_value()}"
        options: dict[str, Any] = {} if form is None else {"data": dict(form)}
        try:
            async with (
                self._resource.acquire_client_session() as session,
                session.request(method, path, headers=headers, allow_redirects=False, **options) as response,
            ):
                status, body = response.status, await response.read()
        except AioHttpClientError as error:
            retry = error.retry_after_seconds if isinstance(error, BackendUnavailableError) else 1.0
            raise HydraUnavailableError(
                f"{self._name}: no answer to {operation!r}: {error}",
                retry_after_seconds=retry,
                **self._facts(operation),
            ) from error
        if status != HTTPStatus.OK:
            raise self._refused(operation, status, body)
        return self._read(operation, body, kind)

    def _read[ModelT: BaseModel](self, operation: str, body: bytes, kind: type[ModelT]) -> ModelT:
        try:
            return kind.model_validate_json(body)
        except ValidationError as error:
            places = sorted({str(found["loc"][0]) for found in error.errors(include_input=False) if found["loc"]})
        # Not `from error`: it may have what Hydra said about a person, or a token.
        raise HydraUnavailableError(
            f"{self._name}: the answer to {operation!r} is not what {kind.__name__} says (see "
            f"{', '.join(places) or 'its body'}): see that the url of its entry in dependencies leads to Hydra",
            **self._facts(operation, status=int(HTTPStatus.OK)),
        )

    def _refused(self, operation: str, status: int, body: bytes) -> HydraOperationError:
        facts = self._facts(operation, status=status, error_id=_error_id(body))
        asked = f"{self._name}: {operation!r}"
        said = f"{status} {facts['error_id'] or ''}".strip()
        if status >= _SERVER_ERROR or status in _BUSY:
            return HydraUnavailableError(f"{asked} failed: Hydra answered {said}", **facts)
        if status in _REFUSED:
            return HydraClientRefusedError(
                f"{asked} was refused: {said}; see that Hydra knows the client, with this secret and for this",
                **facts,
            )
        return HydraOperationError(
            f"{asked} was refused: {said}; see that the url of its entry in dependencies is of the right API",
            **facts,
        )

    @property
    def _name(self) -> str:
        return getattr(self._resource, "key", "hydra")

    def _facts(self, operation: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - facts of any type
        return {"operation": operation, "dependency": self._name, "component": f"external_service:{self._name}"} | more


def _credentials(client: Client) -> str:
    """Return a client's credentials as a header has them, each form-encoded before (RFC 6749, 2.3.1)."""
    pair = f"{quote_plus(client.id)}:{quote_plus(client.secret.get_secret_value())}"
    return f"Basic {b64encode(pair.encode()).decode()}"


def _error_id(body: bytes) -> str | None:
    """Return OAuth's name of an error, if the body has one."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    name = found.get("error") if isinstance(found, dict) else None
    if isinstance(name, str) and name.isascii() and name.replace("_", "").isalnum():
        return name[:_ERROR_ID_LENGTH]
    return None
