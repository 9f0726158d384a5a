"""The models that configuration sections are made of."""

from pydantic import Field

from fastapi_factory_utilities.core.frozen import FrozenModel
from fastapi_factory_utilities.core.services.status import HealthCheckConfig

__all__ = ["ConnectionConfig", "FrozenModel", "PluginConfig"]


class PluginConfig(FrozenModel):
    """The base of every plugin's configuration section."""

    enabled: bool = Field(
        default=True,
        description="false switches the plugin off: it opens nothing and needs no other key, not even its extra.",
    )


class ConnectionConfig(PluginConfig):
    """The base of the section of a plugin that keeps a connection to a backend."""

    required: bool = Field(
        default=True,
        description="Whether the service is unready without this backend; an optional one only degrades it.",
    )
    health_check: HealthCheckConfig = Field(
        default=HealthCheckConfig(), description="How the backend is asked whether it answers."
    )
