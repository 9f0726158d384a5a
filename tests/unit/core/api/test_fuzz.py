"""No input makes the service fail: whatever is sent, the answer is below 500, and an error is a problem."""

import asyncio
import json
from collections.abc import Iterator, MutableMapping
from typing import Annotated, Any, Literal

import pytest
from fastapi import APIRouter, Body, Cookie, FastAPI, File, Form, Header, Query, Request, UploadFile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from fastapi_factory_utilities.core.api import create_fastapi, flatten_routes

SECRET = "pa55word"


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]
    age: int


class Book(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: str = Field(max_length=100)
    price: float
    pages: int | None = None
    tags: list[str] = []
    more: dict[str, Any] = {}
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None


def build() -> FastAPI:
    app = create_fastapi(title="Library", version="1", max_body_bytes=100_000)
    router = APIRouter(prefix="/api")

    @router.post("/book")
    async def book(book: Book) -> Book:
        return book

    @router.post("/bare")
    async def bare(book: Book):  # type: ignore[no-untyped-def] # noqa: ANN202 - an endpoint without a response model
        return book.model_dump()

    @router.post("/any")
    async def anything(body: Annotated[Any, Body()]):  # type: ignore[no-untyped-def] # noqa: ANN202 - same
        return body

    @router.post("/embedded")
    async def embedded(book: Book, count: Annotated[int, Body()]) -> dict[str, Any]:
        return {"book": book, "count": count}

    @router.post("/form")
    async def form(title: Annotated[str, Form()], file: Annotated[UploadFile | None, File()] = None) -> str:
        return title

    @router.post("/raw")
    async def raw(request: Request) -> int:
        return len(await request.body())

    @router.get("/parameters/{number}")
    async def parameters(
        number: int,
        limit: Annotated[int, Query(le=10)] = 1,
        x_key: Annotated[int, Header()] = 1,
        c: Annotated[int, Cookie()] = 1,
    ) -> int:
        return number + limit + x_key + c

    app.include_router(router)
    flatten_routes(app)
    return app


@pytest.fixture(scope="module")
def service() -> Iterator["Service"]:
    with asyncio.Runner() as runner:
        yield Service(runner)


class Service:
    """Serves one request after the other, without a client in between that would tidy them up."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self._runner = runner
        self._app = build()

    def ask(
        self, method: str, path: str, *, query: bytes = b"", body: bytes = b"", headers: list[tuple[bytes, bytes]]
    ) -> tuple[int, bytes]:
        return self._runner.run(self._ask(method, path, query, body, headers))

    async def _ask(
        self, method: str, path: str, query: bytes, body: bytes, headers: list[tuple[bytes, bytes]]
    ) -> tuple[int, bytes]:
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        scope = {"type": "http", "http_version": "1.1", "method": method, "path": path, "raw_path": path.encode()}
        scope |= {"query_string": query, "headers": headers, "scheme": "http", "root_path": "", "server": ("test", 80)}
        await self._app(scope, receive, send)
        status: int = sent[0]["status"]
        assert status < 500
        if status >= 400:
            assert (b"content-type", b"application/problem+json") in sent[0]["headers"]
            problem = json.loads(sent[1]["body"])
            assert problem["status"] == status
            assert SECRET not in sent[1]["body"].decode()
        return status, sent[1]["body"]


broken_json = st.text(alphabet='[]{}",:\\0123456789eE+-.aNIfyntlu \ud800', max_size=60).map(
    lambda text: text.encode("utf-8", "surrogatepass")
)
numbers = st.sampled_from([b"NaN", b"-Infinity", b"1e999", b"9" * 5000, b"1e-9999", b"0.1e309", b"-0", b"1" * 400])
nested = st.builds(
    lambda depth, pair: pair[0] * depth + b"1" + pair[1] * depth,
    st.integers(1, 3000),
    st.sampled_from([(b"[", b"]"), (b'{"a":', b"}")]),
)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(SECRET),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=8,
)
books = st.fixed_dictionaries(
    {"title": json_values, "price": json_values},
    optional={
        "pages": json_values,
        "tags": json_values,
        "more": json_values,
        "pet": json_values | st.fixed_dictionaries({"kind": json_values}),
        "unknown": st.just(SECRET),
    },
)
spellings = st.sampled_from(["utf-8", "utf-16", "utf-32", "utf-16-le", "cp037"])
documents = (json_values | books | st.fixed_dictionaries({"book": books, "count": json_values})).map(
    json.dumps
) | st.builds(json.dumps, books, ensure_ascii=st.just(False))
bodies = st.one_of(
    st.binary(max_size=200),
    broken_json,
    numbers,
    numbers.map(lambda number: b'{"title":"x","price":' + number + b',"more":{"a":[' + number + b"]}}"),
    nested,
    nested.map(lambda value: b'{"title":"x","price":1,"more":{"a":' + value + b"}}"),
    st.builds(lambda text, spelling: text.encode(spelling, "replace"), documents, spellings),
)
types = st.sampled_from(
    [
        b"application/json",
        b"application/json; charset=utf-16",
        b"application/merge-patch+json",
        b"text/plain",
        b"",
        b"application/x-www-form-urlencoded",
        b"application/x-www-form-urlencoded; charset=nonsense",
        b"multipart/form-data",
        b"multipart/form-data; boundary=x",
        b"multipart/form-data; boundary=x; charset=nonsense",
        b"\xff/\x00; a=",
    ]
)
fast = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("path", ["/api/book", "/api/bare", "/api/any", "/api/embedded", "/api/raw"])
@fast
@given(body=bodies)
def test_no_json_body_makes_it_fail(service: Service, path: str, body: bytes) -> None:
    service.ask("POST", path, body=body, headers=[(b"content-type", b"application/json")])


@pytest.mark.parametrize("path", ["/api/book", "/api/bare", "/api/embedded", "/api/form"])
@fast
@given(body=bodies, content_type=types)
def test_no_body_of_another_type_makes_it_fail(service: Service, path: str, body: bytes, content_type: bytes) -> None:
    service.ask("POST", path, body=body, headers=[(b"content-type", content_type)] if content_type else [])


parts = st.builds(
    lambda headers, content: b"--x\r\n" + headers + b"\r\n\r\n" + content + b"\r\n",
    st.sampled_from(
        [
            b'Content-Disposition: form-data; name="title"',
            b'Content-Disposition: form-data; name="file"; filename="x"',
            b"Content-Disposition: form-data; name*=utf-8''%ff",
            b"Content-Disposition: \xff",
            b"nothing",
        ]
    ),
    st.binary(max_size=50),
)


# Starlette leaves the temporary file of a part open when the part after it is broken.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@fast
@given(found=st.lists(parts, max_size=4), end=st.sampled_from([b"--x--\r\n", b"--x", b""]))
def test_no_multipart_body_makes_it_fail(service: Service, found: list[bytes], end: bytes) -> None:
    headers = [(b"content-type", b"multipart/form-data; boundary=x")]

    service.ask("POST", "/api/form", body=b"".join(found) + end, headers=headers)


@fast
@given(
    method=st.sampled_from(["GET", "POST", "HEAD", "OPTIONS", "TRACE", "BREW"]),
    path=st.text(max_size=30) | st.just("7") | st.just("9" * 5000),
    query=st.binary(max_size=30)
    | st.sampled_from([b"limit=nan", b"limit=%ff", b"limit=%ED%A0%80", b"limit=" + b"9" * 5000]),
    header=st.binary(max_size=30),
    cookie=st.binary(max_size=30).map(lambda value: b"c=" + value),
)
def test_no_address_and_no_header_makes_it_fail(
    service: Service, method: str, path: str, query: bytes, header: bytes, cookie: bytes
) -> None:
    headers = [(b"x-key", header), (b"cookie", cookie), (b"traceparent", header), (b"content-length", header)]

    service.ask(method, f"/api/parameters/{path}", query=query, headers=headers)


def test_the_same_service_does_answer(service: Service) -> None:
    body = json.dumps({"title": "x", "price": 1}).encode()

    assert service.ask("POST", "/api/book", body=body, headers=[(b"content-type", b"application/json")])[0] == 200
