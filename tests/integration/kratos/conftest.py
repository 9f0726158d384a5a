"""A Kratos with two people in it, and our clients of it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from fastapi_factory_utilities.core.plugins.aiohttp import AioHttpClientResource, HttpServiceDependencyConfig
from fastapi_factory_utilities.core.services.kratos import KratosService
from fastapi_factory_utilities.testing.ory import FakeKratos

PATIENCE: dict[str, Any] = {
    "timeout": {"total_seconds": 2, "attempt_seconds": 1},
    "retry": {"attempts": 1},
    "breaker": {"enabled": False},
}


@asynccontextmanager
async def service_of(kratos: FakeKratos, **entry: Any) -> AsyncIterator[KratosService]:
    """Open our service for both of its APIs."""
    entry = PATIENCE | entry
    public = HttpServiceDependencyConfig(url=kratos.public_url, **entry)
    admin = HttpServiceDependencyConfig(url=kratos.admin_url, **entry)
    async with (
        AioHttpClientResource("kratos_public", public) as one,
        AioHttpClientResource("kratos_admin", admin) as other,
    ):
        yield KratosService(one, other)


@pytest.fixture
def kratos() -> Iterator[FakeKratos]:
    with FakeKratos() as running:
        yield running


@pytest.fixture
async def service(kratos: FakeKratos) -> AsyncIterator[KratosService]:
    async with service_of(kratos) as opened:
        yield opened
