"""The plugin contract: what a plugin is, and what it may know of its application (FR12-FR16)."""

from fastapi_factory_utilities.core.plugins.abstracts import PluginAbstract, PluginContext
from fastapi_factory_utilities.core.plugins.config import ConnectionConfig, FrozenModel, PluginConfig
from fastapi_factory_utilities.core.plugins.connection import ConnectionPlugin
from fastapi_factory_utilities.core.plugins.errors import (
    MissingExtraError,
    PluginError,
    PluginNotActiveError,
    PluginNotBoundError,
    PluginStartError,
    PluginStopError,
)
from fastapi_factory_utilities.core.plugins.extras import require_extra
from fastapi_factory_utilities.core.plugins.provided import Provided
from fastapi_factory_utilities.core.plugins.roles import ProcessRole
from fastapi_factory_utilities.core.plugins.work import Work

__all__ = [
    "ConnectionConfig",
    "ConnectionPlugin",
    "FrozenModel",
    "MissingExtraError",
    "PluginAbstract",
    "PluginConfig",
    "PluginContext",
    "PluginError",
    "PluginNotActiveError",
    "PluginNotBoundError",
    "PluginStartError",
    "PluginStopError",
    "ProcessRole",
    "Provided",
    "Work",
    "require_extra",
]
