"""What the tests of the servers share."""

from collections.abc import Callable, Iterator

import pytest

from fastapi_factory_utilities.testing import Server, mongo_server, postgres_server, redis_server

MAKERS: dict[str, Callable[..., Server]] = {
    "mongo": mongo_server,
    "postgres": postgres_server,
    "redis": redis_server,
}


@pytest.fixture(params=sorted(MAKERS))
def make(request: pytest.FixtureRequest) -> Callable[..., Server]:
    """How each kind of server is made."""
    return MAKERS[request.param]


@pytest.fixture
def server(make: Callable[..., Server]) -> Iterator[Server]:
    """A server of the test's own, running."""
    with make(private=True) as server:
        yield server
