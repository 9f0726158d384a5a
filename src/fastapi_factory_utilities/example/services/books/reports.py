"""Telling another service how many books there are."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from fastapi_factory_utilities.core.app import RootConfig, depends_root_config
from fastapi_factory_utilities.core.plugins.aiohttp import AioHttpClientResource, AioHttpResourceDepends

__all__ = ["BookReports", "Reports", "depends_book_reports"]

_KEY = "reports"
_resource = AioHttpResourceDepends(_KEY)


class BookReports:
    """Sends reports to the service that collects them, if the configuration names one.

    Args:
        resource: That service.
    """

    def __init__(self, resource: AioHttpClientResource | None) -> None:
        self._resource = resource

    async def send(self, *, books: int, indexed: int) -> None:
        """Send one; a repetition of it does no harm, so that the client may repeat it by itself."""
        if self._resource is None:
            return
        async with (
            self._resource.acquire_client_session(raise_for_status=True) as session,
            session.put("reports/books", json={"books": books, "indexed": indexed}),
        ):
            pass


async def depends_book_reports(
    connection: HTTPConnection, config: Annotated[RootConfig, Depends(depends_root_config)]
) -> BookReports:
    """Make the sender for one request, message or task."""
    return BookReports(_resource.of(connection.app) if _KEY in config.dependencies.http else None)


Reports = Annotated[BookReports, Depends(depends_book_reports)]
