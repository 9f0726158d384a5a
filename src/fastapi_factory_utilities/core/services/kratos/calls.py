"""How Kratos is called: one question, one answer, and errors that are ours."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from pydantic import SecretStr, TypeAdapter, ValidationError

from fastapi_factory_utilities.core.exceptions import BackendUnavailableError
from fastapi_factory_utilities.core.plugins.aiohttp import (
    AioHttpClientError,
    required,  # noqa: F401 - says how to install the rest
)
from fastapi_factory_utilities.core.services.kratos.errors import KratosUnavailableError
from fastapi_factory_utilities.core.services.kratos.refused import Answer, refused

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.aiohttp import AioHttpClientResource

__all__ = ["Answer", "KratosCalls", "Params"]

Params = Sequence[tuple[str, str]]

_PLACES_TOLD: Final = 3


class KratosCalls:
    """Calls one of Kratos' two APIs.

    Every call has a session of its own, so that a cookie which Kratos sets for one person never goes out with another's
    question; and it follows no redirects, so that what people sign in with goes to Kratos only.

    Args:
        resource: The API's client.
        api_key: What is sent as a bearer token, for Kratos behind a gateway and for Ory Network.
        about_sessions: Whether 401 and 403 are about the person who asks, and not about us.
    """

    def __init__(
        self, resource: "AioHttpClientResource", *, api_key: SecretStr | None = None, about_sessions: bool = False
    ) -> None:
        self._resource = resource
        self._api_key = api_key
        self._about_sessions = about_sessions

    async def ask(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        params: Params = (),
        body: object = None,
        headers: Mapping[str, str] | None = None,
        expected: tuple[int, ...] = (HTTPStatus.OK,),
    ) -> Answer:
        """Ask Kratos something.

        Args:
            operation: What it is, for errors: `create identity`.
            method: The method.
            path: The path, with its parts quoted.
            params: The query.
            body: What is sent as JSON; `None` is nothing.
            headers: More headers.
            expected: The statuses that mean it was done.

        Raises:
            KratosOperationError: It was not; the subclass says why.
        """
        all_headers = {"Accept": "application/json"} | dict(headers or {})
        if self._api_key is not None:
            all_headers["Authorization"] = f"Bearer {self._api_key.get_secret_value()}"
        options: dict[str, Any] = {} if body is None else {"json": body}
        try:
            async with (
                self._resource.acquire_client_session() as session,
                session.request(
                    method, path, params=list(params), headers=all_headers, allow_redirects=False, **options
                ) as response,
            ):
                answer = Answer(response.status, response.headers, await response.read())
        except AioHttpClientError as error:
            retry = error.retry_after_seconds if isinstance(error, BackendUnavailableError) else 1.0
            raise KratosUnavailableError(
                f"{self._name}: no answer to {operation!r}: {error}",
                retry_after_seconds=retry,
                **self._facts(operation),
            ) from error
        if answer.status not in expected:
            raise refused(
                answer,
                asked=f"{self._name}: {operation!r}",
                facts=self._facts(operation),
                about_sessions=self._about_sessions,
            )
        return answer

    def read[ModelT](self, operation: str, answer: Answer, kind: type[ModelT]) -> ModelT:
        """Return what an answer says.

        Args:
            operation: What was asked.
            answer: The answer.
            kind: What it is read as: a model, or a list of models.

        Raises:
            KratosUnavailableError: It is something else.
        """
        of_any_kind: Any = kind  # mypy believes that a class is not hashable
        try:
            found: ModelT = _adapter(of_any_kind).validate_json(answer.body)
            return found  # noqa: TRY300 - the errors that follow are those of the line above
        except ValidationError as error:
            # Neither its text nor the error itself may be told: they have what Kratos said about a person.
            places = sorted({".".join(map(str, found["loc"][:2])) for found in error.errors(include_input=False)})
        raise KratosUnavailableError(
            f"{self._name}: the answer to {operation!r} is not what {getattr(kind, '__name__', 'was asked for')} says"
            f" (see {', '.join(places[:_PLACES_TOLD]) or 'its body'}): see that the url of its entry in dependencies"
            f" leads to Kratos, and that your models fit its identity schema",
            **self._facts(operation, status=answer.status),
        )

    @property
    def _name(self) -> str:
        return getattr(self._resource, "key", "kratos")

    def _facts(self, operation: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - facts of any type
        return {"operation": operation, "dependency": self._name, "component": f"external_service:{self._name}"} | more


@lru_cache(maxsize=128)
def _adapter(kind: Any) -> TypeAdapter[Any]:  # noqa: ANN401 - any type that pydantic reads
    """Return what reads a type; making it is slow, and there are few types."""
    return TypeAdapter(kind)
