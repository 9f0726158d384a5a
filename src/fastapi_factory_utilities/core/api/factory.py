"""The FastAPI object of a service."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from fastapi_factory_utilities.core.api.allowed_hosts import AllowedHosts
from fastapi_factory_utilities.core.api.body_limit import BodyLimit
from fastapi_factory_utilities.core.api.browser_headers import Completion
from fastapi_factory_utilities.core.api.flat_routes import refresh_routes
from fastapi_factory_utilities.core.api.handlers import HANDLERS
from fastapi_factory_utilities.core.api.request_ids import with_request_id
from fastapi_factory_utilities.core.api.unhandled import UnhandledErrors

__all__ = ["ServiceFastAPI", "create_fastapi"]

_NO_TELEMETRY = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}


def create_fastapi(
    *,
    title: str,
    version: str,
    description: str = "",
    root_path: str = "",
    docs_enabled: bool = True,
    debug: bool = False,
    max_body_bytes: int | None = None,
    allowed_hosts: Sequence[str] = (),
    security_headers: Completion | None = None,
    csrf_protection: Callable[[ASGIApp], ASGIApp] | None = None,
    lifespan: Callable[[Any], AbstractAsyncContextManager[Any]] | None = None,
) -> FastAPI:
    """Make the FastAPI object of a service: problems for errors, docs without a CDN, no telemetry of its own.

    Args:
        title: The service's name.
        version: The service's version.
        description: What it does, in Markdown.
        root_path: The path under which a proxy shows the service, such as `/books`.
        docs_enabled: Whether `/docs`, `/redoc` and `/openapi.json` exist.
        debug: FastAPI's own flag. It never puts a traceback into an answer: the log has it.
        max_body_bytes: The most that a request body may have; more is a 413. `None` for no limit.
        allowed_hosts: The only names under which the service answers, as for `AllowedHosts`; none, or `*`, for any.
        security_headers: What `security_headers(...)` returned; without it no header is added.
        csrf_protection: What `csrf_protection(...)` returned; without it pages of other sites may send anything.
        lifespan: What runs around serving.
    """
    options: dict[str, Any] = {"exception_handlers": HANDLERS}
    if "telemetry" in (FastAPI.__init__.__kwdefaults__ or {}):
        options["telemetry"] = _NO_TELEMETRY
    app = ServiceFastAPI(
        title=title,
        version=version,
        description=description,
        debug=debug,
        lifespan=lifespan,
        openapi_url="/openapi.json" if docs_enabled else None,
        docs_url=None,
        redoc_url=None,
        **options,
    )
    app.body_limit = max_body_bytes
    app.allowed_hosts = () if "*" in allowed_hosts else tuple(allowed_hosts)
    app.complete_answer = security_headers
    app.csrf_protection = csrf_protection
    # Newer versions deprecate the argument, not the attribute, which serves stripping and plain proxies alike.
    app.root_path = root_path.rstrip("/")
    app.router.default = _not_found
    if docs_enabled:
        from fastapi_factory_utilities.core.api.docs import add_docs  # noqa: PLC0415 - production has no docs

        add_docs(app)
    return app


async def _not_found(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - the signature of ASGI
    """Say that there is nothing here, to a WebSocket as well: Starlette would refuse that one without a word."""
    raise HTTPException(404)


class ServiceFastAPI(FastAPI):
    """FastAPI whose outermost layer ends every error, and whose OpenAPI knows problems."""

    body_limit: int | None = None
    allowed_hosts: tuple[str, ...] = ()
    complete_answer: Completion | None = None
    csrf_protection: Callable[[ASGIApp], ASGIApp] | None = None

    def build_middleware_stack(self) -> ASGIApp:
        """Build Starlette's stack with `UnhandledErrors` in the place of `ServerErrorMiddleware`."""
        app: ASGIApp = super().build_middleware_stack()
        handler = None
        if isinstance(app, ServerErrorMiddleware):
            handler = app.handler
            app = app.app
        changes = app if self.csrf_protection is None else self.csrf_protection(app)
        app = changes if self.body_limit is None else BodyLimit(app, self.body_limit, changes)
        if self.allowed_hosts:
            app = AllowedHosts(app, self.allowed_hosts)
        return UnhandledErrors(app, handler, complete=self.complete_answer or with_request_id)

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document; it is made at the first call and again only when routes were added."""
        refresh_routes(self)
        schema = super().openapi()
        if schema is not self._described:
            from fastapi_factory_utilities.core.api.openapi import describe_problems  # noqa: PLC0415 - rarely asked for

            self._described = describe_problems(schema)
        return schema

    _described: dict[str, Any] | None = None
