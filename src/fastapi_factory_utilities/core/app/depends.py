"""The application and its configuration as FastAPI dependencies.

Async on purpose: FastAPI runs plain functions in a thread, at a far higher price.
"""

from starlette.requests import HTTPConnection

from fastapi_factory_utilities.core.app.config import BaseApplicationConfig, DependencyConfig, RootConfig

__all__ = ["depends_application_config", "depends_dependency_config", "depends_root_config"]


async def depends_root_config(connection: HTTPConnection) -> RootConfig:
    """Give a route, or a WebSocket, the whole configuration."""
    config: RootConfig = connection.app.state.config
    return config


async def depends_application_config(connection: HTTPConnection) -> BaseApplicationConfig:
    """Give a route, or a WebSocket, the `application` section."""
    return (await depends_root_config(connection)).application


async def depends_dependency_config(connection: HTTPConnection) -> DependencyConfig:
    """Give a route, or a WebSocket, the `dependencies` section (FR6)."""
    return (await depends_root_config(connection)).dependencies
