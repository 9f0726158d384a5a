"""A limit for request bodies, kept before they are read."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fastapi_factory_utilities.core.api.csrf import SAFE_METHODS
from fastapi_factory_utilities.core.api.problems import Problem, problem_response
from fastapi_factory_utilities.core.api.trace_ids import trace_id_of

__all__ = ["BodyLimit"]

# What is left of the body is not read, so the connection is of no further use.
_CLOSE = {"Connection": "close"}


class BodyLimit:
    """Answers requests whose body is too large with 413 (RFC 9110, 15.5.14), whether they announce its size or not.

    Args:
        app: The application inside.
        max_bytes: The most that a body may have.
        changes: What is asked instead for WebSockets and methods that may change something: another layer around `app`.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, changes: ASGIApp | None = None) -> None:
        self.app = app
        self.max_bytes = max_bytes
        self.changes: ASGIApp = changes or app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self.changes(scope, receive, send)
            return
        is_safe = scope["method"] in SAFE_METHODS
        # These seldom have a body, and need not be searched for one: it is counted if somebody reads it.
        if not is_safe and _announced(scope) > self.max_bytes:
            problem = Problem(413, detail=self._detail, headers=_CLOSE)
            await problem_response(problem, trace_id_of(scope))(scope, receive, send)
            return
        size = 0

        async def limited() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self.max_bytes:
                # FastAPI lets an HTTPException out of body reading; any other error would become a 400.
                raise HTTPException(413, self._detail, _CLOSE)
            return message

        await (self.app if is_safe else self.changes)(scope, limited, send)

    @property
    def _detail(self) -> str:
        return f"The body of a request may have at most {self.max_bytes} bytes."


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() and len(value) < 20 else 0  # noqa: PLR2004 - digits of any real size
    return 0
