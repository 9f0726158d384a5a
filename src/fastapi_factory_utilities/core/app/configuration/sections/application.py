"""Who the service is: the sections `application`, `development`, `docs` and `liveness`."""

from enum import StrEnum

from pydantic import Field

from fastapi_factory_utilities.core.app.configuration.sections.rules import Section

__all__ = ["BaseApplicationConfig", "DevelopmentConfig", "DocsConfig", "EnvironmentEnum", "LivenessConfig"]


class EnvironmentEnum(StrEnum):
    """Where the service runs."""

    DEVELOPMENT = "development"
    STAGING = "staging"
    PRODUCTION = "production"


class BaseApplicationConfig(Section):
    """The section `application`; extend it for keys of your own."""

    service_namespace: str = Field(min_length=1, description="The group of services that this one belongs to.")
    service_name: str = Field(min_length=1, description="The service's name in logs, traces and API documents.")
    description: str = Field(description="What the service does, in a sentence.")
    version: str = Field(min_length=1, description="The service's version.")
    environment: EnvironmentEnum = Field(
        description="Where it runs; `application-{environment}.yaml` is read on top of `application.yaml`."
    )
    root_path: str = Field(default="", description="The prefix that a proxy in front of the service strips.")


class DevelopmentConfig(Section):
    """The section `development`."""

    debug: bool = Field(default=False, description="Answer unhandled errors with their traceback; never in production.")
    reload: bool = Field(default=False, description="Restart the service when a source file changes.")


class DocsConfig(Section):
    """The section `docs`."""

    enabled: bool | None = Field(
        default=None, description="Whether /docs and /openapi.json are served; by default in development only."
    )


class LivenessConfig(Section):
    """The section `liveness`."""

    max_stall_seconds: float = Field(
        default=10.0, gt=0, description="How long the event loop may be blocked before the process counts as dead."
    )
