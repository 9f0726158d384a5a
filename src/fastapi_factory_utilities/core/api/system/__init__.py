"""The system endpoints: health, readiness, liveness and startup, answered from memory."""

from fastapi_factory_utilities.core.api.system.endpoints import SystemEndpoints

__all__ = ["SystemEndpoints"]
