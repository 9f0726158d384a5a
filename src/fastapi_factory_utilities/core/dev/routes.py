"""The routes of an application, and what each of them needs."""

from collections.abc import Callable, Iterator
from functools import partial
from inspect import unwrap
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute, APIWebSocketRoute
from fastapi.security.base import SecurityBase
from starlette.routing import BaseRoute, Mount, Route

from fastapi_factory_utilities.core.api.flat_routes import refresh_routes

__all__ = ["route_rows"]

_LIBRARIES: Final = ("fastapi_factory_utilities.core.", "fastapi.", "starlette.")
_PLACES: Final = {
    "path_params": "path",
    "query_params": "query",
    "header_params": "header",
    "cookie_params": "cookie",
    "body_params": "body",
}


def route_rows(app: FastAPI) -> list[dict[str, Any]]:
    """Describe every route of an application as plain data, in the order in which they are looked at.

    `own` tells the service's from those of this library and of FastAPI.
    """
    refresh_routes(app)
    rows: list[dict[str, Any]] = []
    for route in app.routes:
        row = _row(route)
        # One without a method answers what others of the same path do not take; it offers nothing of its own.
        if row is not None:
            row["own"] = not row["handler"].startswith(_LIBRARIES)
        if row is not None and (row["methods"] or all(other["path"] != row["path"] for other in rows)):
            rows.append(row)
    return rows


def _row(route: BaseRoute) -> dict[str, Any] | None:
    if isinstance(route, APIRoute | APIWebSocketRoute):
        dependencies = list(_dependencies(route.dependant, 0))
        return {
            "path": route.path,
            "kind": "http" if isinstance(route, APIRoute) else "websocket",
            "methods": sorted(getattr(route, "methods", ())),
            "handler": _name(route.endpoint),
            "summary": getattr(route, "summary", None) or "",
            "tags": [str(tag) for tag in getattr(route, "tags", ())],
            "deprecated": bool(getattr(route, "deprecated", False)),
            "parameters": list(_parameters(route.dependant)),
            "dependencies": [
                {"name": _name(call), "depth": depth}
                for call, depth, _ in dependencies
                if not isinstance(call, SecurityBase)
            ],
            "security": [
                {"scheme": call.scheme_name, "scopes": scopes}
                for call, _, scopes in dependencies
                if isinstance(call, SecurityBase)
            ],
        }
    path = getattr(route, "path", None)
    if not isinstance(path, str):
        return None  # what stands behind the routes, for those that are added late
    return {
        "path": path,
        "kind": "mount" if isinstance(route, Mount) else "http" if isinstance(route, Route) else "other",
        "methods": sorted(getattr(route, "methods", None) or ()),
        "handler": _name(getattr(route, "endpoint", None) or getattr(route, "app", None) or route),
        "summary": "",
        "tags": [],
        "deprecated": False,
        "parameters": [],
        "dependencies": [],
        "security": [],
    }


def _dependencies(dependant: Any, depth: int) -> Iterator[tuple[Any, int, list[str]]]:  # noqa: ANN401 - see below
    """Walk through FastAPI's tree, whose class is not public: what is called, how deep, with which scopes."""
    for child in dependant.dependencies:
        call = _unwrapped(child.call)
        yield call, depth, _scopes(child, dependant)
        yield from _dependencies(child, depth + 1)


def _scopes(dependant: Any, parent: Any) -> list[str]:  # noqa: ANN401 - as above
    """The scopes asked for along the way; newer FastAPI versions keep each level's own."""
    found: list[str] = []
    for one in (parent, dependant):
        for name in ("parent_oauth_scopes", "own_oauth_scopes", "security_scopes"):
            found += getattr(one, name, None) or []
    for requirement in getattr(dependant, "security_requirements", ()):
        found += requirement.scopes or []
    return list(dict.fromkeys(found))


def _parameters(dependant: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - as above
    """The parameters of a route and of its dependencies, each once."""
    seen: set[tuple[str, str]] = set()
    levels = [dependant]
    while levels:
        level = levels.pop(0)
        levels += level.dependencies
        for attribute, place in _PLACES.items():
            for field in getattr(level, attribute):
                if (place, field.alias) not in seen:
                    seen.add((place, field.alias))
                    yield {"in": place, "name": field.alias, "required": bool(field.field_info.is_required())}


def _unwrapped(call: Any) -> Any:  # noqa: ANN401 - anything that can be called
    while isinstance(call, partial):
        call = call.func
    return unwrap(call) if callable(call) else call


def _name(call: Callable[..., Any] | object) -> str:
    call = _unwrapped(call)
    if isinstance(call, SecurityBase):
        return type(call).__name__
    name = getattr(call, "__qualname__", None) or type(call).__qualname__
    module = getattr(call, "__module__", None) or type(call).__module__
    return f"{module}.{name}"
