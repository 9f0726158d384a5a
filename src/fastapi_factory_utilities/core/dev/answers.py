"""Answers the page's requests: its files, and what they show, as JSON."""

import json
import re
from collections.abc import Callable
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from fastapi_factory_utilities.core.api.problems import Problem, problem_response
from fastapi_factory_utilities.core.api.trace_ids import trace_id_of
from fastapi_factory_utilities.core.dev import describing
from fastapi_factory_utilities.core.dev.routes import route_rows
from fastapi_factory_utilities.core.dev.store import Store
from fastapi_factory_utilities.core.dev.visitors import Visitors
from fastapi_factory_utilities.core.logs.values import redacted

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.app import ApplicationAbstract

__all__ = ["Answers"]

# Everything is ours and in a file of its own; texts never become markup (Trusted Types: not even by mistake); nobody
# may frame the page.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_MEDIA_TYPES: Final = {"css": "text/css", "html": "text/html", "js": "text/javascript", "svg": "image/svg+xml"}
_PAGE: Final = "page.html"
_REQUEST: Final = re.compile(r"requests/([0-9]{1,9})\.json")


class Answers:
    """Answers for one application.

    Args:
        application: What is shown.
        store: What it did.
    """

    def __init__(self, application: "ApplicationAbstract[Any]", store: Store) -> None:
        self._application = application
        self._store = store
        self._visitors = Visitors(application.get_config().development.page_hosts)
        self._files = {file.name: file for file in files(__package__).joinpath("assets").iterdir()}
        self._described: dict[str, Callable[[], Any]] = {
            "health.json": lambda: describing.health(application),
            "configuration.json": lambda: describing.configuration(application),
            "routes.json": lambda: {"routes": route_rows(application.get_asgi_app())},
        }

    async def serve(self, place: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request.

        Args:
            place: What is asked for, below the page's own path; the page itself is empty.
            scope: The request.
            receive: Unused: no request for the page has a body that matters.
            send: Takes the answer.
        """
        await self._answer(place, scope)(scope, receive, send)

    def _answer(self, place: str, scope: Scope) -> Response:
        problem: Problem | None = None
        refusal = self._visitors.refusal(scope, is_page=place == "")
        if refusal is not None:
            problem = Problem(403, detail=refusal)
        elif scope["method"] not in ("GET", "HEAD"):
            problem = Problem(405, headers={"Allow": "GET, HEAD"})
        else:
            response = self._file(place or _PAGE) or self._json(place, scope)
            if response is not None:
                return response
            problem = Problem(404)
        response = problem_response(problem, trace_id_of(scope))
        response.headers.update(_HEADERS)
        return response

    def _file(self, name: str) -> Response | None:
        file = self._files.get(name)
        if file is None:
            return None
        return Response(file.read_bytes(), headers=_HEADERS, media_type=_MEDIA_TYPES[name.rpartition(".")[2]])

    def _json(self, place: str, scope: Scope) -> Response | None:
        document = self._document(place, scope)
        if document is None:
            return None
        # Whatever it was made of was masked; what became known as a secret since then is masked here.
        body = json.dumps(redacted(document), separators=(",", ":"))
        return Response(body, headers=_HEADERS, media_type="application/json")

    def _document(self, place: str, scope: Scope) -> Any:  # noqa: ANN401 - JSON
        if place == "requests.json":
            return self._requests(scope.get("query_string", b""))
        one = _REQUEST.fullmatch(place)
        if one is not None:
            return describing.request(self._store, int(one[1]))
        describe = self._described.get(place)
        return None if describe is None else describe()

    def _requests(self, query: bytes) -> dict[str, Any]:
        """The service and its requests; without these if the page, which says what it has, has them."""
        service = describing.service(self._application, self._store)
        known = parse_qs(query.decode("latin-1")).get("known")
        if known == [f"{service['life']}-{service['store_version']}"]:
            return {"service": service}
        return {"service": service, "requests": describing.requests(self._store)}
