"""What the system endpoints answer, for OpenAPI.

Plain schemas: pydantic models would cost every start of every service some milliseconds, and would push aside the
names of the service's own models.
"""

from typing import Any

from fastapi_factory_utilities.core.api.system.negotiation import HEALTH_JSON

__all__ = ["DESCRIPTIONS", "responses"]

_Schema = dict[str, Any]


def _enum(*values: str) -> _Schema:
    return {"type": "string", "enum": list(values)}


def _text(description: str) -> _Schema:
    return {"type": "string", "description": description}


def _time(description: str) -> _Schema:
    return {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}], "description": description}


def _object(always: list[str], /, **properties: _Schema) -> _Schema:
    return {"type": "object", "properties": properties, "required": always}


_HEALTH = _enum("healthy", "degraded", "unhealthy")
_COMPONENT = _object(
    ["health", "readiness", "required", "since"],
    health=_HEALTH,
    readiness=_enum("ready", "not_ready"),
    required={"type": "boolean", "description": "Whether the service cannot work without it."},
    since={"type": "string", "format": "date-time", "description": "When it entered this state."},
    reason={"anyOf": [{"type": "string"}, {"type": "null"}], "description": "Why it is not well."},
    next_try_at=_time("When it will be tried again."),
)
_SCHEMAS: dict[str, _Schema] = {
    "health": _object(["status"], status=_HEALTH),
    "components": _object(
        ["status", "components"],
        status=_HEALTH,
        components={"type": "object", "additionalProperties": _COMPONENT},
    ),
    "readiness": _object(
        ["status"],
        status=_enum("ready", "not_ready"),
        reason=_text("Why it is not ready."),
        components={"type": "array", "items": {"type": "string"}, "description": "The components that are not ready."},
    ),
    "liveness": _object(["status"], status=_enum("alive", "not_alive"), reason=_text("Why it is not.")),
    "startup": _object(["status"], status=_enum("started", "starting")),
}
_CHECK = _object(
    ["componentId", "componentType", "status", "time"],
    componentId=_text("The component's key."),
    componentType=_enum("component", "datastore"),
    observedValue=_HEALTH,
    status=_enum("pass", "warn", "fail"),
    time={"type": "string", "format": "date-time"},
    output=_text("Why it is not well."),
)
_DRAFT = _object(
    ["status"],
    status=_enum("pass", "warn", "fail"),
    output=_text("Why it is not well."),
    checks={"type": "object", "additionalProperties": {"type": "array", "items": _CHECK}},
)

DESCRIPTIONS = {
    "health": "How the service is",
    "components": "How each of its components is",
    "readiness": "Whether traffic makes sense now",
    "liveness": "Whether the process is alive, whatever its backends do",
    "startup": "Whether the service has been ready once",
}
_YES_NO = {
    "health": ("Healthy, or degraded", "Unhealthy"),
    "components": ("A report about the components", "The same in its health+json form, when unhealthy"),
    "readiness": ("Ready", "Not ready"),
    "liveness": ("Alive", "Not alive: only a restart helps"),
    "startup": ("Started", "Starting"),
}


def responses(name: str) -> dict[int | str, dict[str, Any]]:
    """Return the documented responses of an endpoint."""
    content = {"application/json": {"schema": _SCHEMAS[name]}, HEALTH_JSON: {"schema": _DRAFT}}
    yes, no = _YES_NO[name]
    return {200: {"description": yes, "content": content}, 503: {"description": no, "content": content}}
