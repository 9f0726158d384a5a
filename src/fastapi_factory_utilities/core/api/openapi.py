"""OpenAPI that tells the truth about errors: problems, not FastAPI's own error model."""

from collections.abc import Iterator
from typing import Any

from fastapi_factory_utilities.core.api.problems import MEDIA_TYPE

__all__ = ["describe_problems"]

_PREFIX = "#/components/schemas/"
_FASTAPI_ERROR = "HTTPValidationError"
_FASTAPI_ERROR_ITEM = "ValidationError"
_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})

_PROBLEM: dict[str, Any] = {
    "title": "Problem",
    "description": "Problem details (RFC 9457).",
    "type": "object",
    "properties": {
        "type": {
            "type": "string",
            "format": "uri-reference",
            "default": "about:blank",
            "description": "A URI that names the kind of problem; about:blank when the status says it all.",
        },
        "title": {"type": "string", "description": "The kind of problem, in words."},
        "status": {"type": "integer", "minimum": 100, "maximum": 599, "description": "The HTTP status."},
        "detail": {"type": "string", "description": "What happened this time, in words."},
        "instance": {"type": "string", "format": "uri-reference", "description": "A URI that names this occurrence."},
        "trace_id": {
            "type": "string",
            "pattern": "^[0-9a-f]{32}$",
            "description": "The W3C trace id of the request; give it to whoever operates the service.",
        },
    },
    "required": ["type", "title", "status", "trace_id"],
    "additionalProperties": True,
}

_ERROR: dict[str, Any] = {
    "type": "object",
    "properties": {
        "loc": {
            "type": "array",
            "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
            "description": "Where: body, query, path, header or cookie, then the way from there.",
        },
        "pointer": {
            "type": "string",
            "description": "The same as a JSON Pointer (RFC 6901) into the body, as a URI fragment.",
        },
        "message": {"type": "string", "description": "What is wrong, in words; never the value that was sent."},
        "type": {"type": "string", "description": "What is wrong, for a program."},
    },
    "required": ["loc", "message", "type"],
}


def describe_problems(schema: dict[str, Any]) -> dict[str, Any]:
    """Make every operation of an OpenAPI document describe its errors as problems, in place.

    FastAPI's 422 becomes a problem with its `errors`, and every operation gets a `default` problem. Responses that the
    service's author documented stay as they are, and so do callbacks and webhooks: other services answer those.
    """
    schemas = schema.setdefault("components", {}).setdefault("schemas", {})
    problem = _free_name("Problem", schemas)
    validation_problem = _free_name("ValidationProblem", schemas)
    is_validated = False
    for operation in _operations(schema):
        responses = operation.setdefault("responses", {})
        if _is_fastapi_error(responses.get("422")):
            is_validated = True
            responses["422"] = _response("Validation Error", validation_problem)
        responses.setdefault("default", _response("Error", problem))
    schemas[problem] = _PROBLEM
    if is_validated:
        schemas[validation_problem] = {
            "title": "ValidationProblem",
            "description": "What was wrong with the request.",
            "allOf": [{"$ref": _PREFIX + problem}],
            "type": "object",
            "properties": {"errors": {"type": "array", "items": _ERROR}},
            "required": ["errors"],
        }
    for name in (_FASTAPI_ERROR, _FASTAPI_ERROR_ITEM):
        if name in schemas and _PREFIX + name not in _references(schema):
            del schemas[name]
    schema["components"]["schemas"] = {name: schemas[name] for name in sorted(schemas)}
    return schema


def _operations(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in schema.get("paths", {}).values():
        for method, operation in path.items():
            if method in _METHODS:
                yield operation


def _response(description: str, name: str) -> dict[str, Any]:
    return {"description": description, "content": {MEDIA_TYPE: {"schema": {"$ref": _PREFIX + name}}}}


def _is_fastapi_error(response: dict[str, Any] | None) -> bool:
    content = (response or {}).get("content", {})
    return bool(content == {"application/json": {"schema": {"$ref": _PREFIX + _FASTAPI_ERROR}}})


def _free_name(wanted: str, schemas: dict[str, Any]) -> str:
    """Return a component name that no model of the service has."""
    name = wanted
    while name in schemas:
        name = f"Http{name}"
    return name


def _references(node: object) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*(_references(value) for value in node.values()))
    if isinstance(node, list):
        return set().union(*(_references(value) for value in node))
    return set()
