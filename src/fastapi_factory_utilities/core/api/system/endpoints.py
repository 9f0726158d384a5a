"""`/api/v1/sys`: what orchestrators and people ask about the service (FR38, FR41, FR42)."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from fastapi_factory_utilities.core.api.problems import Problem, problem_response
from fastapi_factory_utilities.core.api.system.answers import Answers
from fastapi_factory_utilities.core.api.system.negotiation import wants_health_json
from fastapi_factory_utilities.core.api.system.schemas import DESCRIPTIONS, responses
from fastapi_factory_utilities.core.api.trace_ids import trace_id_of
from fastapi_factory_utilities.core.services.status import StatusService

__all__ = ["SystemEndpoints"]

PREFIX = "/api/v1/sys"
_PATHS = {
    f"{PREFIX}/health": "health",
    f"{PREFIX}/health/components": "components",
    f"{PREFIX}/readiness": "readiness",
    f"{PREFIX}/liveness": "liveness",
    f"{PREFIX}/startup": "startup",
}


class SystemEndpoints:
    """Answers the system endpoints from memory: before FastAPI is reached, and as FastAPI routes.

    Args:
        status: The status service.
    """

    def __init__(self, status: StatusService) -> None:
        self._answers = Answers(status)
        self.router: APIRouter = self._build_router()

    def before(self, app: ASGIApp) -> ASGIApp:
        """Return an ASGI application that answers the system endpoints itself and leaves the rest to `app`.

        What a browser of another origin asks is left to `app` as well: it knows the rules (CORS).
        """
        answers = self._answers

        async def with_system_endpoints(scope: Scope, receive: Receive, send: Send) -> None:
            name = _PATHS.get(scope.get("path", ""))
            if name is None and scope.get("root_path"):
                name = _below_root_path(scope)
            if name is None or scope["type"] != "http":
                await app(scope, receive, send)
                return
            is_plain = scope["method"] == "GET"
            for header, value in scope["headers"]:
                if header == b"origin":
                    await app(scope, receive, send)
                    return
                if header == b"accept" and b"health+json" in value.lower():
                    is_plain = False
            if is_plain:
                # Probes come often, and nearly all are like this; each call saved here is 5 % of one.
                answer = answers.get(name)
                await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers.copy()})
                await send({"type": "http.response.body", "body": answer.body})
            else:
                await self._serve(name, scope, receive, send)

        return with_system_endpoints

    async def _serve(self, name: str, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"]
        if method not in ("GET", "HEAD"):
            problem = Problem(405, headers={"Allow": "GET, HEAD"})
            await problem_response(problem, trace_id_of(scope))(scope, receive, send)
            return
        answer = self._answers.get(name, draft=wants_health_json(scope["headers"]))
        # A copy of the headers: layers outside may add to them.
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers.copy()})
        await send({"type": "http.response.body", "body": answer.body if method == "GET" else b""})

    def _build_router(self) -> APIRouter:
        """Build the routes: the documented GET, and behind it whatever else somebody sends."""
        router = APIRouter(tags=["sys"])
        for path, name in _PATHS.items():
            router.add_api_route(
                path,
                self._endpoint_of(name),
                name=f"sys_{name}",
                summary=DESCRIPTIONS[name],
                # Not JSONResponse: FastAPI then adds no empty schema beside the documented ones.
                response_class=Response,
                responses=responses(name),
            )
            router.routes.append(Route(path, _AsASGI(self._serve, name), include_in_schema=False))
        return router

    def _endpoint_of(self, name: str) -> Callable[..., Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            answer = self._answers.get(name, draft=wants_health_json(request.scope["headers"]))
            response = Response(answer.body, answer.status)
            response.raw_headers = list(answer.headers)
            return response

        return endpoint


class _AsASGI:
    """Lets Starlette route to an ASGI application: for a function it would build a request."""

    def __init__(self, serve: Callable[[str, Scope, Receive, Send], Awaitable[None]], name: str) -> None:
        self._serve = serve
        self._name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._serve(self._name, scope, receive, send)


def _below_root_path(scope: Scope) -> str | None:
    path, root_path = scope["path"], scope["root_path"]
    return _PATHS.get(path[len(root_path) :]) if path.startswith(root_path) else None
