"""`DevelopmentPage`: what an application in development has around itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from starlette.types import ASGIApp, Receive, Scope, Send

from fastapi_factory_utilities.core.dev.log_lines import RememberLines
from fastapi_factory_utilities.core.dev.requests import RememberRequests
from fastapi_factory_utilities.core.dev.spans import RememberSpans
from fastapi_factory_utilities.core.dev.store import Store
from fastapi_factory_utilities.core.logs.watching import watching_events

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.app import ApplicationAbstract
    from fastapi_factory_utilities.core.dev.answers import Answers

__all__ = ["PATH", "DevelopmentPage"]

PATH: Final = "/_dev"


class DevelopmentPage:
    """Remembers what an application does, and shows it at `/_dev`.

    Args:
        application: The application; its plugins need not be loaded yet.
    """

    def __init__(self, application: "ApplicationAbstract[Any]") -> None:
        self._application = application
        self._store = Store()
        self._answers: Answers | None = None

    def around(self, app: ASGIApp) -> ASGIApp:
        """Return an ASGI application that answers for the page, and remembers what `app` is asked.

        It has to be outside of everything that logs or traces requests: those of the page are no part of the story.
        """
        watched = RememberRequests(app, self._store)
        root_path = self._application.get_asgi_app().root_path

        async def with_development_page(scope: Scope, receive: Receive, send: Send) -> None:
            place = _place(scope, root_path) if scope["type"] == "http" else None
            if place is None:
                await watched(scope, receive, send)
            else:
                await self._made_answers().serve(place, scope, receive, send)

        return with_development_page

    def _made_answers(self) -> "Answers":
        """Make what answers when somebody looks for the first time: a start should not wait for it."""
        if self._answers is None:
            from fastapi_factory_utilities.core.dev.answers import Answers  # noqa: PLC0415 - see above

            self._answers = Answers(self._application, self._store)
        return self._answers

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Remember spans and log lines while the body lasts; the plugins have to be loaded."""
        forget_spans = self._application.telemetry_slot.current.add_span_sink(RememberSpans(self._store))
        try:
            with watching_events(RememberLines(self._store)):
                yield
        finally:
            forget_spans()


def _place(scope: Scope, root_path: str) -> str | None:
    """What is asked for below `/_dev`; `None` if it is elsewhere."""
    path: str = scope["path"]
    root_path = scope.get("root_path") or root_path
    if root_path and not path.startswith(PATH):
        path = path.removeprefix(root_path)
    if path == PATH:
        return ""
    return path.removeprefix(PATH + "/") if path.startswith(PATH + "/") else None
