"""Errors become problems, over HTTP and over WebSockets."""

import asyncio
from collections.abc import MutableMapping
from typing import Annotated, Any

import pytest
from fastapi import FastAPI, Header, HTTPException, Query, WebSocket, WebSocketException
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from fastapi_factory_utilities.core.api import ProblemError, map_error
from fastapi_factory_utilities.core.exceptions import BackendUnavailableError

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}

Events = list[MutableMapping[str, Any]]


def raising(app: FastAPI, error: BaseException, path: str = "/") -> None:
    @app.get(path)
    async def fail() -> None:
        raise error


def problem(client: TestClient, method: str = "GET", path: str = "/", **options: Any) -> dict[str, Any]:
    """Ask, with a trace id, and check what holds for every problem."""
    response = client.request(method, path, headers={**TRACEPARENT, **options.pop("headers", {})}, **options)
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    assert document["status"] == response.status_code
    assert document.pop("trace_id") == TRACE
    return document


class TestHTTPException:
    def test_its_status_detail_and_headers_are_kept(self, app: FastAPI, client: TestClient) -> None:
        raising(app, HTTPException(401, "Who are you?", {"WWW-Authenticate": "Bearer"}))

        assert problem(client) == {
            "type": "about:blank",
            "title": "Unauthorized",
            "status": 401,
            "detail": "Who are you?",
        }
        assert client.get("/").headers["www-authenticate"] == "Bearer"

    def test_a_dict_becomes_extension_members(self, app: FastAPI, client: TestClient) -> None:
        raising(app, HTTPException(409, {"detail": "Taken.", "title": "Duplicate", "status": 1, "book": 7}))

        assert problem(client) == {
            "type": "about:blank",
            "title": "Duplicate",
            "status": 409,
            "detail": "Taken.",
            "book": 7,
        }

    def test_any_other_detail_becomes_details(self, app: FastAPI, client: TestClient) -> None:
        raising(app, HTTPException(400, ["one", 2]))

        assert problem(client)["details"] == ["one", 2]

    def test_without_a_detail_the_title_says_it(self, app: FastAPI, client: TestClient) -> None:
        raising(app, HTTPException(422))

        assert problem(client) == {"type": "about:blank", "title": "Unprocessable Content", "status": 422}

    def test_a_4xx_is_not_logged(self, app: FastAPI, client: TestClient, events: Events) -> None:
        raising(app, HTTPException(404))

        problem(client)

        assert events == []

    def test_a_5xx_is_logged_once_with_its_trace_id(self, app: FastAPI, client: TestClient, events: Events) -> None:
        raising(app, HTTPException(502, "The other side is silent."))

        problem(client)

        (event,) = events
        assert (event["event"], event["log_level"]) == ("request failed", "error")
        assert (event["trace_id"], event["status"], event["path"]) == (TRACE, 502, "/")

    def test_a_status_without_a_body_has_none(self, app: FastAPI, client: TestClient) -> None:
        raising(app, HTTPException(304, headers={"ETag": '"1"'}))

        response = client.get("/")

        assert (response.status_code, response.content, response.headers["etag"]) == (304, b"", '"1"')


class TestRouter:
    def test_an_unknown_path_is_a_problem(self, client: TestClient) -> None:
        assert problem(client, path="/nowhere") == {"type": "about:blank", "title": "Not Found", "status": 404}

    def test_a_wrong_method_says_which_are_allowed(self, app: FastAPI, client: TestClient) -> None:
        app.get("/books")(lambda: None)

        assert problem(client, "DELETE", "/books")["title"] == "Method Not Allowed"
        assert client.delete("/books").headers["allow"] == "GET"

    def test_head_of_a_problem_has_its_headers(self, client: TestClient) -> None:
        assert client.head("/nowhere").headers["content-type"] == "application/problem+json"


class Book(BaseModel):
    title: str
    pages: int


class TestValidation:
    def test_a_wrong_request_lists_what_is_wrong_and_repeats_nothing(self, app: FastAPI, client: TestClient) -> None:
        @app.post("/books/{shelf}")
        async def add(
            shelf: int, book: Book, limit: Annotated[int, Query()], x_key: Annotated[int, Header()]
        ) -> None: ...

        document = problem(
            client,
            "POST",
            "/books/pa55word1?limit=pa55word2",
            json={"title": ["pa55word3"], "pages": "pa55word4"},
            headers={"x-key": "pa55word5"},
        )

        assert "pa55word" not in str(document)
        assert document["detail"] == "The request has 5 errors."
        assert [(error["loc"], error.get("pointer"), error["type"]) for error in document["errors"]] == [
            (["path", "shelf"], None, "int_parsing"),
            (["query", "limit"], None, "int_parsing"),
            (["header", "x-key"], None, "int_parsing"),
            (["body", "title"], "#/title", "string_type"),
            (["body", "pages"], "#/pages", "int_parsing"),
        ]

    def test_an_author_may_raise_it_too(self, app: FastAPI, client: TestClient) -> None:
        raising(
            app, RequestValidationError([{"loc": ("body", "a"), "msg": "No.", "type": "mine", "input": "pa55word"}])
        )

        assert problem(client)["errors"] == [{"loc": ["body", "a"], "message": "No.", "type": "mine"}]


class DomainError(Exception):
    """An error of somebody's service."""


class DuplicateError(DomainError):
    """A more special one."""


class TestMapping:
    def test_one_line_answers_a_domain_error_and_keeps_its_message_inside(
        self, app: FastAPI, client: TestClient
    ) -> None:
        map_error(app, DomainError, 409, detail="That exists already.", type="tag:books", headers={"X-A": "b"})
        raising(app, DuplicateError("E11000 pa55word"))

        assert problem(client) == {
            "type": "tag:books",
            "title": "Conflict",
            "status": 409,
            "detail": "That exists already.",
        }
        assert client.get("/").headers["x-a"] == "b"

    def test_the_detail_may_be_made_from_the_error(self, app: FastAPI, client: TestClient) -> None:
        map_error(app, DomainError, 409, title="Duplicate", detail=str)
        raising(app, DuplicateError("The title is taken."))

        assert problem(client) == {
            "type": "about:blank",
            "title": "Duplicate",
            "status": 409,
            "detail": "The title is taken.",
        }

    def test_an_error_of_ours_answers_as_its_class_says(self, app: FastAPI, client: TestClient) -> None:
        raising(app, ProblemError("Too late.", status=410, headers={"X-A": "b"}, since=3))

        assert problem(client) == {
            "type": "about:blank",
            "title": "Gone",
            "status": 410,
            "detail": "Too late.",
            "since": 3,
        }
        assert client.get("/").headers["x-a"] == "b"

    def test_a_mapping_to_5xx_is_logged(self, app: FastAPI, client: TestClient, events: Events) -> None:
        map_error(app, DomainError, 503)
        raising(app, DuplicateError("why"))

        problem(client)

        assert [event["event"] for event in events] == ["request failed"]


class TestBackendUnavailable:
    def test_it_is_a_503_that_says_when_to_come_back_and_nothing_else(
        self, app: FastAPI, client: TestClient, events: Events
    ) -> None:
        error = BackendUnavailableError("10.0.0.7 is silent", retry_after_seconds=1.2, component="database:mongo")
        raising(app, error)

        document = problem(client)

        assert document["title"] == "Service Unavailable"
        assert "10.0.0.7" not in str(document)
        assert client.get("/").headers["retry-after"] == "2"
        assert events[0] == {
            "event": "backend unavailable",
            "log_level": "warning",
            "status": 503,
            "trace_id": TRACE,
            "method": "GET",
            "path": "/",
            "component": "database:mongo",
            "reason": "10.0.0.7 is silent",
        }


class TestGroups:
    @pytest.mark.parametrize(
        "group",
        [
            ExceptionGroup("", [BackendUnavailableError()]),
            ExceptionGroup("", [ExceptionGroup("", [BackendUnavailableError()]), BackendUnavailableError()]),
            ExceptionGroup("", [BackendUnavailableError(), HTTPException(503)]),
        ],
    )
    def test_a_group_that_means_one_thing_is_answered_as_that(
        self, app: FastAPI, client: TestClient, group: ExceptionGroup[Exception]
    ) -> None:
        raising(app, group)

        assert problem(client)["status"] == 503

    @pytest.mark.parametrize(
        "group",
        [
            ExceptionGroup("", [BackendUnavailableError(), ValueError()]),
            ExceptionGroup("", [ValueError(), BackendUnavailableError()]),
            ExceptionGroup("", [HTTPException(404), HTTPException(409)]),
        ],
    )
    def test_a_group_that_means_several_things_is_a_500_and_logged_whole(
        self, app: FastAPI, client: TestClient, events: Events, group: ExceptionGroup[Exception]
    ) -> None:
        raising(app, group)

        assert problem(client)["status"] == 500
        assert [(event["event"], event["exc_info"]) for event in events] == [("unhandled exception", group)]

    def test_what_a_task_of_a_task_group_raises_keeps_its_meaning(self, app: FastAPI, client: TestClient) -> None:
        map_error(app, DomainError, 409)

        @app.get("/")
        async def fail() -> None:
            async def task() -> None:
                raise DuplicateError

            async with asyncio.TaskGroup() as group:
                group.create_task(task())

        assert problem(client)["status"] == 409

    def test_an_author_s_own_handler_sees_the_leaf(self, app: FastAPI, client: TestClient) -> None:
        @app.exception_handler(DomainError)
        def handle(_: Request, error: DomainError) -> Response:
            return JSONResponse({"error": type(error).__name__}, 418)

        raising(app, ExceptionGroup("", [DuplicateError()]))

        assert client.get("/").json() == {"error": "DuplicateError"}


class TestWebSocket:
    def test_an_unknown_path_is_refused_with_a_404(self, client: TestClient) -> None:
        with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect("/nowhere"):
            pass

        assert refused.value.status_code == 404
        assert refused.value.headers["content-type"] == "application/problem+json"

    def test_a_wrong_handshake_is_refused_with_what_is_wrong(self, app: FastAPI, client: TestClient) -> None:
        @app.websocket("/ws")
        async def ws(websocket: WebSocket, shelf: int) -> None: ...

        with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect("/ws?shelf=pa55word"):
            pass

        assert refused.value.status_code == 422
        assert refused.value.headers["content-type"] == "application/problem+json"
        assert refused.value.json()["errors"][0]["loc"] == ["query", "shelf"]
        assert "pa55word" not in refused.value.text

    async def test_a_server_that_cannot_refuse_with_words_closes_with_a_short_reason(self, app: FastAPI) -> None:
        @app.websocket("/ws")
        async def ws(websocket: WebSocket, shelf: int) -> None: ...

        assert await websocket_messages(app, "/ws") == [
            {"type": "websocket.close", "code": 1008, "reason": "The request has 1 error."}
        ]

    @pytest.mark.parametrize(
        ("error", "code", "reason"),
        [
            (HTTPException(403, "Not yours."), 1008, "Not yours."),
            (BackendUnavailableError("10.0.0.7"), 1011, "A backend of this service does not answer; try again later."),
            (WebSocketException(4000, "mine"), 4000, "mine"),
            (ProblemError("é" * 200), 1008, "é" * 61),
        ],
    )
    def test_an_open_one_is_closed_with_code_and_reason(
        self, app: FastAPI, client: TestClient, error: Exception, code: int, reason: str
    ) -> None:
        @app.websocket("/ws")
        async def ws(websocket: WebSocket) -> None:
            await websocket.accept()
            raise error

        with pytest.raises(WebSocketDisconnect) as closed, client.websocket_connect("/ws") as connection:
            connection.receive_text()

        assert (closed.value.code, closed.value.reason) == (code, reason)


async def websocket_messages(app: FastAPI, path: str) -> list[Any]:
    """Open a WebSocket on a server without extensions, and return what the application sends."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": path, "raw_path": b"", "query_string": b"", "headers": [], "scheme": "ws"}
    await app({**scope, "root_path": "", "server": ("test", 80), "subprotocols": []}, receive, send)
    return sent
