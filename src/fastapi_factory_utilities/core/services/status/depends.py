"""The status service as a FastAPI dependency."""

from starlette.requests import HTTPConnection

from fastapi_factory_utilities.core.services.status.service import StatusService

__all__ = ["depends_status_service"]


async def depends_status_service(connection: HTTPConnection) -> StatusService:
    """Give a route, or a WebSocket, the application's status service.

    Async on purpose: FastAPI runs plain functions in a thread, at a far higher price.
    """
    status: StatusService = connection.app.state.status_service
    return status
