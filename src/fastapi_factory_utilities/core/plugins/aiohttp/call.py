"""A call on its way: to be awaited, or entered."""

from collections.abc import Coroutine, Generator
from types import TracebackType
from typing import Any

from fastapi_factory_utilities.core.plugins.aiohttp import required  # noqa: F401 - says how to install the rest

# isort: split
from aiohttp import ClientResponse

__all__ = ["Call"]


class Call(Coroutine[Any, Any, ClientResponse]):
    """What `session.get(...)` returns: `await` it for the response, or `async with` it to have it released as well."""

    __slots__ = ("_response", "_work")

    def __init__(self, work: Coroutine[Any, Any, ClientResponse]) -> None:
        self._work = work

    def __await__(self) -> Generator[Any, Any, ClientResponse]:
        return self._work.__await__()

    def send(self, value: Any) -> Any:  # noqa: ANN401 - of the coroutine's protocol
        """Be a coroutine, so that a task can be made of it."""
        return self._work.send(value)

    def throw(self, *args: Any) -> Any:  # noqa: ANN401 - of the coroutine's protocol
        """Be a coroutine."""
        return self._work.throw(*args)

    def close(self) -> None:
        """Be a coroutine; what was not begun is dropped without a warning."""
        self._work.close()

    async def __aenter__(self) -> ClientResponse:
        self._response = await self._work
        return await self._response.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._response.__aexit__(kind, error, traceback)
