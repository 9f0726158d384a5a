"""What a service answered."""

from collections.abc import Callable
from typing import Any

from fastapi_factory_utilities.core.plugins.aiohttp import required  # noqa: F401 - says how to install the rest

# isort: split
import aiohttp

from fastapi_factory_utilities.core.plugins.aiohttp.call_errors import (
    AioHttpClientConnectionError,
    AioHttpClientContentError,
    AioHttpClientStatusError,
)
from fastapi_factory_utilities.core.plugins.aiohttp.translating import DRIVER_ERRORS, translated

__all__ = ["AioHttpClientResponse"]


class AioHttpClientResponse(aiohttp.ClientResponse):
    """An `aiohttp.ClientResponse` whose errors say which service they are about.

    Attributes:
        dependency: The service's name.
        on_broken: Told when the body breaks off.
    """

    dependency: str = "a service"
    on_broken: Callable[[], object] | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.status} of {self.dependency} to {self._asked}>"

    @property
    def _asked(self) -> str:
        return f"{self.method} {self.url.path}"

    async def read(self) -> bytes:
        """Return the body.

        Raises:
            AioHttpClientConnectionError: It broke off, or was released unread.
            AioHttpClientTimeoutError: It did not arrive in time.
        """
        if self._released and self._body is None:
            raise AioHttpClientConnectionError(
                f"{self.dependency}: the answer to {self._asked} was released before it was read: read it in its block",
                dependency=self.dependency,
            )
        try:
            return await super().read()
        except DRIVER_ERRORS as error:
            if self.on_broken is not None:
                self.on_broken()
            ours = translated(error, dependency=self.dependency, asked=self._asked, seconds=None)
            raise ours from ours.__cause__

    async def json(self, **kwargs: Any) -> Any:  # noqa: ANN401 - as aiohttp has it
        """Return the body's JSON; arguments are aiohttp's.

        Raises:
            AioHttpClientContentError: It is not declared as JSON.
            ValueError: It is declared as JSON, and is none.
        """
        try:
            return await super().json(**kwargs)
        except aiohttp.ContentTypeError:
            raise AioHttpClientContentError(
                f"{self.dependency}: {self._asked} was answered with {self.status} and {self.content_type!r}, not with "
                f"JSON: see that the url of its entry in dependencies leads to the API, or read it as text",
                response=self,
                dependency=self.dependency,
            ) from None

    def raise_for_status(self) -> None:
        """Raise if the status is 400 or more.

        Raises:
            AioHttpClientStatusError: It is.
        """
        if self.ok:
            return
        try:
            super().raise_for_status()  # which releases the connection, too
        except aiohttp.ClientResponseError:
            raise AioHttpClientStatusError(
                f"{self.dependency}: {self._asked} was answered with {self.status} {self.reason}: see the service's "
                f"own log",
                response=self,
                dependency=self.dependency,
            ) from None
