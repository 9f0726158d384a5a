"""The application framework: application, builder, configuration (FR1-FR12)."""

from fastapi_factory_utilities.core.app.application import ApplicationAbstract
from fastapi_factory_utilities.core.app.builder import ApplicationGenericBuilder
from fastapi_factory_utilities.core.app.config import (
    BaseApplicationConfig,
    DependencyConfig,
    EnvironmentEnum,
    RootConfig,
)
from fastapi_factory_utilities.core.app.configuration.problems import ConfigBuilderError
from fastapi_factory_utilities.core.app.depends import (
    depends_application_config,
    depends_dependency_config,
    depends_root_config,
)

__all__ = [
    "ApplicationAbstract",
    "ApplicationGenericBuilder",
    "BaseApplicationConfig",
    "ConfigBuilderError",
    "DependencyConfig",
    "EnvironmentEnum",
    "RootConfig",
    "depends_application_config",
    "depends_dependency_config",
    "depends_root_config",
]
