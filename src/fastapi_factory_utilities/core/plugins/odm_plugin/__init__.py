"""MongoDB for a service: the plugin, documents, repositories (FR17-FR21).

Importing the package needs no driver; the names that need one say how to install it when they are asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fastapi_factory_utilities.core.plugins.odm_plugin.config import ODMConfig
from fastapi_factory_utilities.core.plugins.odm_plugin.errors import (
    DatabaseUnavailableError,
    EntityNotFoundError,
    InvalidDocumentError,
    OperationError,
    RepositoryDefinitionError,
    StaleRevisionError,
    UnableToCreateEntityDueToDuplicateKeyError,
)
from fastapi_factory_utilities.core.plugins.odm_plugin.pages import Page
from fastapi_factory_utilities.core.plugins.odm_plugin.plugin import ODMPlugin
from fastapi_factory_utilities.core.plugins.odm_plugin.provided import depends_odm_client, depends_odm_database

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.odm_plugin.depends import Client, Database
    from fastapi_factory_utilities.core.plugins.odm_plugin.documents import BaseDocument, PersistedEntity
    from fastapi_factory_utilities.core.plugins.odm_plugin.mockers import AbstractRepositoryInMemory
    from fastapi_factory_utilities.core.plugins.odm_plugin.repositories import AbstractRepository

__all__ = [
    "AbstractRepository",
    "AbstractRepositoryInMemory",
    "BaseDocument",
    "Client",
    "Database",
    "DatabaseUnavailableError",
    "EntityNotFoundError",
    "InvalidDocumentError",
    "ODMConfig",
    "ODMPlugin",
    "OperationError",
    "Page",
    "PersistedEntity",
    "RepositoryDefinitionError",
    "StaleRevisionError",
    "UnableToCreateEntityDueToDuplicateKeyError",
    "depends_odm_client",
    "depends_odm_database",
]

_NEED_THE_DRIVER = {
    "AbstractRepository": "repositories",
    "AbstractRepositoryInMemory": "mockers",
    "BaseDocument": "documents",
    "Client": "depends",
    "Database": "depends",
    "PersistedEntity": "documents",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the module attribute protocol is untyped (PEP 562)
    """Import what needs the driver when somebody asks for it."""
    if name in _NEED_THE_DRIVER:
        return getattr(import_module(f"{__name__}.{_NEED_THE_DRIVER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
