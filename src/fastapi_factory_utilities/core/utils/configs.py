"""Load a configuration without an application: a door to `core.app.loading`."""

from fastapi_factory_utilities.core.app.loading import (
    ConfigBuilderError,
    Settings,
    build_config,
    load_config,
    read_settings,
)

__all__ = ["ConfigBuilderError", "Settings", "build_config", "load_config", "read_settings"]
