"""`RootConfig` and the sections that every service has (FR6, FR8, FR9).

Extend `RootConfig` with sections of your own::

    class BooksConfig(FrozenModel):
        page_size: int = 20

    class AppConfig(RootConfig):
        books: BooksConfig = BooksConfig()

Everything is frozen and refuses unknown keys.
"""

from typing import Any, ClassVar

from pydantic import Field

from fastapi_factory_utilities.core.app.configuration.sections.application import (
    BaseApplicationConfig,
    DevelopmentConfig,
    DocsConfig,
    EnvironmentEnum,
    LivenessConfig,
)
from fastapi_factory_utilities.core.app.configuration.sections.browsers import CsrfConfig, SecurityHeadersConfig
from fastapi_factory_utilities.core.app.configuration.sections.cors import CorsConfig
from fastapi_factory_utilities.core.app.configuration.sections.dependencies import (
    DependencyConfig,
    HttpServiceDependencyConfig,
)
from fastapi_factory_utilities.core.app.configuration.sections.logs import LoggerConfig, LoggingModeEnum
from fastapi_factory_utilities.core.app.configuration.sections.rate_limits import RateLimitsConfig
from fastapi_factory_utilities.core.app.configuration.sections.rules import Section
from fastapi_factory_utilities.core.app.configuration.sections.server import ServerConfig
from fastapi_factory_utilities.core.frozen import FrozenModel

__all__ = [
    "BaseApplicationConfig",
    "CorsConfig",
    "CsrfConfig",
    "DependencyConfig",
    "DevelopmentConfig",
    "DocsConfig",
    "EnvironmentEnum",
    "FrozenModel",
    "HttpServiceDependencyConfig",
    "LivenessConfig",
    "LoggerConfig",
    "LoggingModeEnum",
    "RateLimitsConfig",
    "RootConfig",
    "SecurityHeadersConfig",
    "ServerConfig",
]


def _mode_of(validated: dict[str, Any]) -> LoggingModeEnum:
    """People read the console while they develop; elsewhere programs read JSON."""
    application: BaseApplicationConfig | None = validated.get("application")
    if application is not None and application.environment is EnvironmentEnum.DEVELOPMENT:
        return LoggingModeEnum.CONSOLE
    return LoggingModeEnum.JSON


class RootConfig(Section):
    """The whole configuration; each field is a section of `application.yaml`.

    The sections of the active plugins are added to it when the configuration is built.

    Attributes:
        ENV_PREFIX: What the names of environment variables begin with: `APP__SERVER__PORT`, `APP_CONFIG_FILE`.
    """

    ENV_PREFIX: ClassVar[str] = "APP"

    application: BaseApplicationConfig = Field(description="Who the service is.")
    server: ServerConfig = Field(default_factory=ServerConfig, description="How it is served.")
    cors: CorsConfig = Field(default_factory=CorsConfig, description="Which browsers may use it; off by default.")
    csrf: CsrfConfig = Field(
        default_factory=CsrfConfig, description="Whose pages may ask for changes; on by default, for its own alone."
    )
    security_headers: SecurityHeadersConfig = Field(
        default_factory=SecurityHeadersConfig, description="What its answers tell browsers."
    )
    rate_limits: RateLimitsConfig = Field(
        default_factory=RateLimitsConfig, description="How the limits of routes count."
    )
    development: DevelopmentConfig = Field(
        default_factory=DevelopmentConfig, description="What helps while developing."
    )
    docs: DocsConfig = Field(default_factory=DocsConfig, description="The API documents.")
    logging: tuple[LoggerConfig, ...] = Field(default=(), description="The level of each logger.")
    logging_mode: LoggingModeEnum = Field(
        default_factory=_mode_of,
        description="console for people, json for programs; by default console in development, else json.",
    )
    liveness: LivenessConfig = Field(default_factory=LivenessConfig, description="When the process counts as dead.")
    dependencies: DependencyConfig = Field(
        default_factory=DependencyConfig, description="The external services that it uses."
    )

    @property
    def docs_enabled(self) -> bool:
        """Whether the API documents are served: `docs.enabled`, by default in development only."""
        if self.docs.enabled is None:
            return self.application.environment is EnvironmentEnum.DEVELOPMENT
        return self.docs.enabled
