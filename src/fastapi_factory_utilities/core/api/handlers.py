"""Every error that an exception handler may see becomes a problem: one rule, for HTTP and for WebSockets.

`problem_of` says what an error means, `answer` says it to the client.
"""

import math
from collections.abc import Callable, Mapping
from http import HTTPStatus
from inspect import isawaitable
from typing import Any, cast

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.responses import Response
from starlette.types import Scope
from starlette.websockets import WebSocket, WebSocketState

from fastapi_factory_utilities.core.api.problems import Problem, ProblemError, problem_response, status_title
from fastapi_factory_utilities.core.api.trace_ids import trace_id_of
from fastapi_factory_utilities.core.api.validation import ERRORS_LIMIT, describe_errors
from fastapi_factory_utilities.core.exceptions import BackendUnavailableError
from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.security.jwt.challenges import challenge_of
from fastapi_factory_utilities.core.security.jwt.errors import JWTAuthenticationError
from fastapi_factory_utilities.core.telemetry.scopes import ERROR_KEY

__all__ = ["HANDLERS", "answer", "closing_words", "map_error", "problem_of", "tell"]

_log = get_logger(__name__)

# RFC 6455, 7.4.1: the client broke the rules; the server cannot go on.
_POLICY_VIOLATION, _INTERNAL_ERROR = 1008, 1011
_REASON_BYTES = 123
_UNPROCESSABLE_CONTENT = 422  # the name of the status differs between Python versions
_TEXT_MEMBERS = frozenset({"type", "title", "detail", "instance"})


def map_error(
    app: FastAPI,
    error: type[Exception],
    status: int,
    *,
    title: str | None = None,
    detail: str | Callable[[Any], str] | None = None,
    type: str = "about:blank",  # noqa: A002 - the RFC's own name
    headers: Mapping[str, str] | None = None,
) -> None:
    """Answer an error of your domain, and every subclass of it, as a problem.

    ::

        map_error(app, DuplicateTitleError, 409, detail="A book with this title exists already.")

    The error's own message stays inside unless `detail` says otherwise (`detail=str`).

    Args:
        app: The application; call this before it serves.
        error: Which exception.
        status: The HTTP status.
        title: The kind of problem in words; by default the status's own phrase.
        detail: A sentence for the client, or a function of the error that returns one.
        type: A URI that names the kind of problem.
        headers: Response headers that go with it.
    """

    async def handle(connection: HTTPConnection, raised: Exception) -> Response | None:
        text = detail(raised) if callable(detail) else detail
        problem = Problem(status, detail=text, title=title, type=type, headers=headers)
        tell(connection.scope, problem, raised)
        return await answer(connection, problem)

    app.add_exception_handler(error, cast("Any", handle))


def problem_of(error: BaseException) -> Problem | None:  # noqa: PLR0911 - one for each kind of error
    """Return what an error means to the client; `None` for one that nobody foresaw."""
    match error:
        case ProblemError():
            return error.to_problem()
        case RequestValidationError():
            return _validation_problem(error.errors(), error.body)
        case WebSocketRequestValidationError():
            return _validation_problem(error.errors(), None)
        case HTTPException():
            return _http_problem(error)
        case BackendUnavailableError():
            return Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                detail="A backend of this service does not answer; try again later.",
                headers={"Retry-After": str(max(1, math.ceil(error.retry_after_seconds)))},
            )
        case JWTAuthenticationError():
            status, detail, challenge = challenge_of(error)
            return Problem(status, detail=detail, headers={"WWW-Authenticate": challenge})
        case ClientDisconnect():
            # Nobody reads it, but the access log should not blame us for a client that left.
            return Problem(HTTPStatus.BAD_REQUEST, detail="The client left before it had sent its request.")
        case _:
            return None


async def answer(connection: HTTPConnection, problem: Problem) -> Response | None:
    """Return the response for a problem; a WebSocket that is open already is closed instead.

    A WebSocket that is not open yet is refused with the problem as an HTTP response where the server can do that (ASGI
    extension `websocket.http.response`), and with a plain refusal where it cannot.
    """
    if isinstance(connection, WebSocket):
        if WebSocketState.DISCONNECTED in (connection.client_state, connection.application_state):
            return None
        can_be_denied = "websocket.http.response" in (connection.scope.get("extensions") or {})
        if connection.application_state is not WebSocketState.CONNECTING or not can_be_denied:
            await connection.close(*closing_words(problem))
            return None
    return problem_response(problem, trace_id_of(connection.scope))


def closing_words(problem: Problem) -> tuple[int, str]:
    """Return code and reason of the close frame that stands for a problem (RFC 6455, 5.5: at most 123 bytes)."""
    code = _INTERNAL_ERROR if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR else _POLICY_VIOLATION
    reason = problem.detail or problem.title or status_title(problem.status)
    return code, reason.encode("utf-8", "replace")[:_REASON_BYTES].decode("utf-8", "ignore")


async def _handle(connection: HTTPConnection, error: Exception) -> Response | None:
    """Answer an error whose meaning is known; any other goes on its way."""
    problem = problem_of(error)
    if problem is None:
        raise error
    tell(connection.scope, problem, error)
    return await answer(connection, problem)


async def _handle_group(connection: HTTPConnection, group: ExceptionGroup[Exception]) -> Response | None:
    """Answer a group of errors as the one it holds, if all of them mean the same.

    Task groups wrap what their tasks raise: a `BackendUnavailableError` in a group is still a 503.
    """
    handlers, _ = connection.scope.get("starlette.exception_handlers", ({}, {}))
    leaves = _leaves(group)
    handler = next((handlers[cls] for cls in type(leaves[0]).__mro__ if cls in handlers), None)
    if handler is None or len({_meaning(leaf) for leaf in leaves}) > 1:
        raise group
    response = handler(connection, leaves[0])
    return cast("Response | None", await response if isawaitable(response) else response)


def _leaves(group: ExceptionGroup[Exception]) -> list[Exception]:
    leaves: list[Exception] = []
    for error in group.exceptions:
        leaves += _leaves(error) if isinstance(error, ExceptionGroup) else [error]
    return leaves


def _meaning(error: Exception) -> object:
    problem = problem_of(error)
    return type(error) if problem is None else problem.status


def tell(scope: Scope, problem: Problem, error: BaseException) -> None:
    """Log what the operator must know: a 4xx is the client's affair, a 5xx is ours."""
    if problem.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return
    if ERROR_KEY in scope:
        scope[ERROR_KEY] = error
    facts: dict[str, Any] = {"status": problem.status, "trace_id": trace_id_of(scope)}
    facts |= {"method": scope.get("method", "WEBSOCKET"), "path": scope["path"]}
    if isinstance(error, BackendUnavailableError):
        component = error.fields.get("component")
        _log.warning("backend unavailable", **facts, component=component, reason=error.message)
    else:
        _log.error("request failed", **facts, error=type(error).__name__, exc_info=error)


def _http_problem(error: HTTPException) -> Problem:
    detail: Any = error.detail
    headers = error.headers
    if isinstance(detail, Mapping):
        members = {str(name): value for name, value in detail.items()}
        texts = {name: members.pop(name) for name in _TEXT_MEMBERS if isinstance(members.get(name), str)}
        return Problem(error.status_code, headers=headers, members=members, **texts)
    if detail is not None and not isinstance(detail, str):
        return Problem(error.status_code, headers=headers, members={"details": detail})
    # Starlette fills the phrase in where nobody gave a detail; the title says that already.
    is_phrase = detail == status_title(error.status_code) or detail == _phrase(error.status_code)
    return Problem(error.status_code, detail=None if is_phrase else detail, headers=headers)


def _phrase(status: int) -> str | None:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return None


def _validation_problem(errors: Any, body: object) -> Problem:  # noqa: ANN401 - FastAPI types it as a sequence of Any
    count = len(errors)
    detail = f"The request has {count} error{'' if count == 1 else 's'}."
    if count > ERRORS_LIMIT:
        detail += f" The first {ERRORS_LIMIT} are listed."
    members = {"errors": describe_errors(errors, body)}
    return Problem(_UNPROCESSABLE_CONTENT, detail=detail, members=members)


HANDLERS: dict[type[Exception], Any] = {
    HTTPException: _handle,
    RequestValidationError: _handle,
    WebSocketRequestValidationError: _handle,
    ProblemError: _handle,
    BackendUnavailableError: _handle,
    JWTAuthenticationError: _handle,
    ClientDisconnect: _handle,
    ExceptionGroup: _handle_group,
}
