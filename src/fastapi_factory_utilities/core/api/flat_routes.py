"""Included routers are flattened once, so that no request walks a tree.

Since 0.137 FastAPI keeps `include_router` as a tree that every request descends, at about 9 us a level, and the matched
route knows only its own part of the path. Each leaf of that tree becomes a route of its own here: with the whole path,
the dependencies, tags and responses of every level, and the handler that FastAPI itself has made for it. Older versions
have no tree. A branch with anything unknown about it stays as it is: never wrong, only slower.
"""

import copy
from collections.abc import Iterator
from dataclasses import MISSING, fields
from typing import Any

from fastapi import APIRouter, FastAPI, routing
from fastapi.routing import APIRoute
from starlette.datastructures import URLPath
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import Receive, Scope, Send

from fastapi_factory_utilities.core.api.strict_json import limit_body, read_json_strictly

__all__ = ["flatten_routes", "refresh_routes"]

_IncludedRouter: type[Any] | None = getattr(routing, "_IncludedRouter", None)

# What an inclusion may say, and how each of it is honoured: all of these are in the leaves already.
_UNDERSTOOD = frozenset(
    {
        "included_router",
        "prefix",
        "tags",
        "dependencies",
        "default_response_class",
        "responses",
        "callbacks",
        "deprecated",
        "include_in_schema",
        "generate_unique_id_function",
        "strict_content_type",
        "dependency_overrides_provider",
        "max_body_size",
    }
)
_NOT_OF_THE_ROUTE = frozenset({"original_route", "starlette_route", "frontend_prefix", "app"})
_SCOPE_KEY = "fastapi_factory_utilities.late_route"


def flatten_routes(app: FastAPI) -> None:
    """Flatten the routers that an application includes, and make its routes read JSON strictly.

    Call it when the routes are registered; calling it again takes in what was added since. Routes that are added later
    work, too: those that nobody took in are noticed when a request, or the OpenAPI document, first asks for them.
    """
    late = _late_routes(app)
    if late is None:
        late = _LateRoutes(app.router)
    late.refresh()


def refresh_routes(app: FastAPI) -> None:
    """Take in what was added since `flatten_routes`; an application that was not flattened stays as it is."""
    late = _late_routes(app)
    if late is not None:
        late.refresh()


def _late_routes(app: FastAPI) -> "_LateRoutes | None":
    return next((route for route in app.router.routes if isinstance(route, _LateRoutes)), None)


class _LateRoutes(BaseRoute):
    """Stands behind the flat routes, remembers the tree they came from, and looks for changes to it.

    FastAPI lets routes be added to a router that is included already. A request that gets as far as here found no flat
    route: only such a request pays for the look.
    """

    def __init__(self, router: APIRouter) -> None:
        self._router = router
        self._version: int | None = None
        self._branch_of: dict[int, Any] = {}
        self._routes_of: dict[int, list[BaseRoute]] = {}
        self._strict: set[int] = set()

    def refresh(self) -> bool:
        """Flatten again if anything changed; say whether it did."""
        if self._version is not None and self._version == self._current_version():
            return False
        tree = list(self._tree())
        self._branch_of, self._routes_of = {}, {}
        flat: list[BaseRoute] = []
        for route in tree:
            flat += self._flatten(route) if _is_included_router(route) else [route]
        for route in flat:
            if isinstance(route, APIRoute) and id(route) not in self._strict:
                read_json_strictly(route)
        self._strict = {id(route) for route in flat}
        self._router.routes = [*flat, self]
        mark_changed = getattr(self._router, "_mark_routes_changed", None)
        if mark_changed is not None:
            mark_changed()
        self._version = self._current_version()
        return True

    def _flatten(self, branch: Any) -> list[BaseRoute]:  # noqa: ANN401 - FastAPI's included routers are private
        routes = list(_leaves(branch))
        if routes[0] is branch:
            return routes
        self._routes_of[id(branch)] = routes
        self._branch_of |= {id(route): branch for route in routes}
        return routes

    def _tree(self) -> Iterator[BaseRoute]:
        """Yield what the application registered, in its order, with each branch in the place of its flat routes."""
        present = {id(route) for route in self._router.routes}
        seen: set[int] = set()
        for route in self._router.routes:
            branch = self._branch_of.get(id(route))
            if route is self:
                continue
            if branch is None or not all(id(other) in present for other in self._routes_of[id(branch)]):
                yield route  # its own, or what is left of a branch from which somebody took routes away
            elif id(branch) not in seen:
                seen.add(id(branch))
                yield branch

    def _current_version(self) -> int:
        version: int = len(self._router.routes)
        get_version = getattr(self._router, "_get_routes_version", None)
        if get_version is not None:
            version += get_version()
        for branch in {id(branch): branch for branch in self._branch_of.values()}.values():
            version += branch.original_router._get_routes_version()  # noqa: SLF001 - there is no public way to ask
        return version

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Look for routes that were added late; nothing before this one matched in full."""
        partial: tuple[Match, Scope] = (Match.NONE, {})
        if not self.refresh():
            return partial
        for route in self._router.routes:
            match, child_scope = (Match.NONE, {}) if route is self else route.matches(scope)
            if match is Match.FULL:
                return match, {**child_scope, _SCOPE_KEY: route}
            if match is Match.PARTIAL and partial[0] is Match.NONE:
                partial = match, {**child_scope, _SCOPE_KEY: route}
        return partial

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request to the late route that matched."""
        route: BaseRoute = scope.pop(_SCOPE_KEY)
        await route.handle(scope, receive, send)

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:  # noqa: ANN401 - Starlette's own signature
        """Build the path of a late route."""
        if self.refresh():
            return self._router.url_path_for(name, **path_params)
        raise NoMatchFound(name, path_params)


def _is_included_router(route: BaseRoute) -> bool:
    return _IncludedRouter is not None and type(route) is _IncludedRouter


def _leaves(branch: Any) -> Iterator[BaseRoute]:  # noqa: ANN401 - FastAPI's included routers are private
    """Yield the flat routes of a branch, or the branch itself where it is not understood."""
    candidates = branch.effective_candidates() if _is_understood(branch) else []
    if not candidates:
        yield branch
    for candidate in candidates:
        if _is_included_router(candidate):
            yield from _leaves(candidate)
        else:
            yield _flat_route(candidate, getattr(branch.include_context, "max_body_size", None))


def _is_understood(branch: Any) -> bool:  # noqa: ANN401 - FastAPI's included routers are private
    router, context = branch.original_router, branch.include_context
    for name in ("matches", "handle"):
        # A router of the author's own may do anything there.
        if getattr(type(router), name) is not getattr(APIRouter, name) or name in vars(router):
            return False
    if getattr(router, "_low_priority_routes", None):
        return False
    return all(
        field.name in _UNDERSTOOD or getattr(context, field.name) == _default(field) for field in fields(context)
    )


def _default(field: Any) -> object:  # noqa: ANN401 - a dataclass field of any type
    return field.default_factory() if field.default_factory is not MISSING else field.default


def _flat_route(context: Any, limit: int | None) -> BaseRoute:  # noqa: ANN401 - FastAPI's contexts are private
    """Make the route that a leaf stands for; a copy, since a router may be included more than once."""
    original: BaseRoute = context.original_route
    if not isinstance(original, APIRoute):
        route: BaseRoute = context.starlette_route or original
        if limit is not None:
            route = copy.copy(route)
            vars(route)["handle"] = limit_body(route.handle, limit)
        return route
    flat = copy.copy(original)
    for field in fields(context):
        if field.name not in _NOT_OF_THE_ROUTE:
            setattr(flat, field.name, getattr(context, field.name))
    # 0.137 and some later versions make the handler at every request.
    flat.app = getattr(context, "app", None) or routing.request_response(flat.get_route_handler())
    return flat
