"""What can go wrong with a plugin; the tree is drawn in `core.exceptions`."""

from fastapi_factory_utilities.core.exceptions import FastAPIFactoryUtilitiesError

__all__ = [
    "MissingExtraError",
    "PluginError",
    "PluginNotActiveError",
    "PluginNotBoundError",
    "PluginStartError",
    "PluginStopError",
]


class PluginError(FastAPIFactoryUtilitiesError):
    """Something about one plugin."""


class MissingExtraError(PluginError, ImportError):
    """A plugin's optional dependency is not installed."""


class PluginNotBoundError(PluginError):
    """A plugin was used before it was given to an application."""


class PluginNotActiveError(PluginError):
    """A value was asked for that no running plugin provides."""


class PluginStartError(PluginError):
    """A plugin failed to start; its cause is the error's cause."""


class PluginStopError(PluginError):
    """A plugin failed to stop, or not in time; its cause is the error's cause."""
