"""Who the service is: the sections `application`, `development`, `docs` and `liveness`."""

import re
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from fastapi_factory_utilities.core.app.configuration.sections.rules import Section
from fastapi_factory_utilities.core.rules import broken_rule

__all__ = ["BaseApplicationConfig", "DevelopmentConfig", "DocsConfig", "EnvironmentEnum", "LivenessConfig"]


def _must_name_hosts(host: str) -> str:
    if not re.fullmatch(r"\*|[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+(?:/\d{1,3})?", host):
        raise broken_rule("must be a name, an address, a network such as 172.16.0.0/12, or *; without scheme and port")
    return host


PageHost = Annotated[str, AfterValidator(_must_name_hosts)]
"""Who may see the development page: a name, an address, a network, or everybody."""


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

    debug: bool = Field(default=False, description="FastAPI's own flag; answers have no traceback either way.")
    reload: bool = Field(default=False, description="Restart the service when a source file changes.")
    page: bool = Field(default=True, description="Whether /_dev shows what the service does; in development only.")
    page_hosts: tuple[PageHost, ...] = Field(
        default=(),
        description="Who may see /_dev beside this machine: names of the service, addresses or networks of clients, *.",
    )


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
