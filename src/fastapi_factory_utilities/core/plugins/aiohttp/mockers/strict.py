"""A resource that answers what is expected, and nothing else."""

from collections.abc import Awaitable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fastapi_factory_utilities.core.plugins.aiohttp.mockers.resources import (
    Answer,
    MockedAioHttpClientResource,
    MockedRequest,
)
from fastapi_factory_utilities.core.plugins.aiohttp.mockers.responses import (
    MockedAioHttpClientResponse,
    build_mocked_aiohttp_response,
)

__all__ = ["StrictAioHttpResource", "strict_aiohttp_resource"]


@dataclass(frozen=True, slots=True)
class _Expected:
    method: str
    path: str
    params: Mapping[str, str] | None
    json: Any
    answer: Answer

    def fits(self, request: MockedRequest) -> bool:
        return (
            (request.method, request.path) == (self.method, self.path)
            and (self.params is None or dict(request.params) == dict(self.params))
            and (self.json is None or request.json == self.json)
        )

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class StrictAioHttpResource:
    """Expectations, and the resource that goes by them; made by `strict_aiohttp_resource`.

    Args:
        key: The service's name.
        url: Its base URL.

    Attributes:
        resource: What the code under test is given.
    """

    def __init__(self, *, key: str, url: str) -> None:
        self.resource: MockedAioHttpClientResource = MockedAioHttpClientResource(self._answer, key=key, url=url)
        self._expected: list[_Expected] = []
        self._unexpected: list[str] = []

    def expect(
        self,
        method: str,
        path: str,
        answer: Answer | None = None,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,  # noqa: ANN401 - whatever can be written as JSON
    ) -> None:
        """Expect one call, in no particular order.

        Args:
            method: Its method.
            path: Its path, that of the base URL included.
            answer: What it gets: a response, or a function of the request; by default an empty 200.
            params: Its query, if that matters.
            json: Its JSON, if that matters.
        """
        answer = build_mocked_aiohttp_response() if answer is None else answer
        self._expected.append(_Expected(method.upper(), path, params, json, answer))

    def check(self) -> None:
        """Check that every call was expected, and every expected call made.

        Raises:
            AssertionError: It was not.
        """
        problems = [f"unexpected: {call}" for call in self._unexpected]
        problems += [f"expected, and not made: {expected}" for expected in self._expected]
        if problems:
            raise AssertionError(f"calls to {self.resource.key!r}: {'; '.join(problems)}")

    def _answer(self, request: MockedRequest) -> MockedAioHttpClientResponse | Awaitable[MockedAioHttpClientResponse]:
        for expected in self._expected:
            if expected.fits(request):
                self._expected.remove(expected)
                answer = expected.answer
                return answer if isinstance(answer, MockedAioHttpClientResponse) else answer(request)
        call = f"{request.method} {request.url.path_qs}"
        self._unexpected.append(call)
        waiting = ", ".join(map(str, self._expected)) or "nothing"
        raise AssertionError(f"{self.resource.key!r} was called with {call}; expected was {waiting}")


@contextmanager
def strict_aiohttp_resource(*, key: str = "mocked", url: str = "http://mocked.test") -> Iterator[StrictAioHttpResource]:
    """Give a resource that fails on every call that was not expected, and after the block on every one not made.

    A call that the code under test swallowed the failure of is told after the block as well.

    Args:
        key: The service's name, as in `dependencies.http`.
        url: Its base URL.

    Raises:
        AssertionError: As it says.
    """
    strict = StrictAioHttpResource(key=key, url=url)
    yield strict
    strict.check()
