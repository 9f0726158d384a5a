"""What every span, metric and exported log line says of the service."""

import os
import socket
from importlib.metadata import version
from typing import TYPE_CHECKING
from uuid import uuid4

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin import required  # noqa: F401 - says how to install it
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.config import OpenTelemetryConfig

# isort: split
from opentelemetry.sdk.resources import Resource

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.app.config import BaseApplicationConfig

__all__ = ["make_resource"]


def make_resource(application: "BaseApplicationConfig", config: OpenTelemetryConfig) -> Resource:
    """Make the resource of this process, with the names of the conventions.

    Args:
        application: What the service is called.
        config: What else is said of it.
    """
    return Resource(
        {
            "service.name": application.service_name,
            "service.namespace": application.service_namespace,
            "service.version": application.version,
            "service.instance.id": str(uuid4()),
            "deployment.environment.name": application.environment.value,
            "host.name": socket.gethostname(),
            "process.pid": os.getpid(),
            "telemetry.sdk.language": "python",
            "telemetry.sdk.name": "opentelemetry",
            "telemetry.sdk.version": version("opentelemetry-sdk"),
            "telemetry.distro.name": "fastapi-factory-utilities",
            "telemetry.distro.version": version("fastapi-factory-utilities"),
            **config.resource_attributes,
        }
    )
