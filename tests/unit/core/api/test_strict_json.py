"""JSON bodies, to the letter of RFC 8259."""

import json
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Body, FastAPI, Form, Request, Response
from fastapi.routing import APIRoute
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from fastapi_factory_utilities.core.api import flatten_routes
from fastapi_factory_utilities.core.api.strict_json import StrictRequest, parse_json

REFUSED = [
    b"",
    b"nope",
    b"[1,]",
    b'{"a":1}x',
    b"NaN",
    b"[-Infinity]",
    b"1e999",
    b"-1E+0999",
    b"[1e400]",
    b"9" * 400 + b".0",
    b"1" * 300 + b"e50",
    b"9" * 5000,
    b"[" * 202 + b"]" * 202,
    b"[" * 100_000,
    b'{"a":' * 1000 + b"1" + b"}" * 1000,
    b'"\\ud800"',
    b'"\xed\xa0\x80"',
    b'"\xff"',
    b'{"a":1,"a":1}',
    b'{"a":1,"\\u0061":2}',
    b'[{"a":{"b":[{"c":1,"c":2}]}}]',
    b'{"a":"x:y","a":1}',
    b'{"a:b":1,"a:b":2}',
    b'{"a":1,"a":"x","b":"\\u003a"}',
    b'{"a":1,"a":"x","b":"\\u003A"}',
    b'{"":1,"":2}',
    b'"\x01"',
    '{"a":"é"}'.encode("utf-16"),
    '{"a":"é"}'.encode("utf-32"),
    '{"a":"é"}'.encode("latin-1"),
]
ACCEPTED = {
    b"null": None,
    b'{"a": {"a": [{"a": 1}, {"a": 1}]}}': {"a": {"a": [{"a": 1}, {"a": 1}]}},
    b'{"at": "12:00", "a:b": "\\u003a"}': {"at": "12:00", "a:b": ":"},
    b' {"a": [1, 2.5, "x", true]} ': {"a": [1, 2.5, "x", True]},
    b"\xef\xbb\xbf[]": [],
    b"1e308": 1e308,
    b'"NaN Infinity 1e999"': "NaN Infinity 1e999",
    b'"' + b"0" * 300 + b'"': "0" * 300,
    b"1e-999": 0.0,
    b"9" * 300: int("9" * 300),
    b"[" * 150 + b"]" * 150: json.loads("[" * 150 + "]" * 150),
    b'"\\ud83d\\ude00\\u0000"': "\U0001f600\x00",
}


@pytest.mark.parametrize("document", REFUSED, ids=lambda document: repr(document[:20]))
def test_what_no_answer_could_repeat_is_refused(document: bytes) -> None:
    with pytest.raises(json.JSONDecodeError) as refused:
        parse_json(document)

    assert refused.value.doc == ""


@pytest.mark.parametrize("document", ACCEPTED, ids=lambda document: repr(document[:20]))
def test_json_is_read_as_what_it_says(document: bytes) -> None:
    assert parse_json(document) == ACCEPTED[document]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=20,
)


@given(json_values)
def test_whatever_python_writes_as_json_comes_back(value: Any) -> None:
    assert parse_json(json.dumps(value, ensure_ascii=True).encode()) == value


@given(st.binary() | st.text(alphabet='[]{}",:\\0123456789eE+-.tfn').map(str.encode))
def test_any_bytes_are_json_or_an_error_that_fastapi_knows(document: bytes) -> None:
    try:
        value = parse_json(document)
    except json.JSONDecodeError:
        return
    json.dumps(value, allow_nan=False)


def _written(text: str) -> st.SearchStrategy[str]:
    """Ways to write a text: each character as it is, or as an escape of either case."""
    ways = [st.sampled_from([letter, f"\\u{ord(letter):04x}", f"\\u{ord(letter):04X}"]) for letter in text]
    return st.tuples(*ways).map(lambda letters: '"' + "".join(letters) + '"')


texts = st.sampled_from(["", "a", "b", ":", "a:", "j", "::"]).flatmap(_written)
documents = st.recursive(
    texts | st.just("1"),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]")
        | st.lists(st.tuples(texts, inner), max_size=3).map(
            lambda members: "{" + ",".join(f"{name}:{value}" for name, value in members) + "}"
        )
    ),
    max_leaves=8,
)


@given(documents)
def test_a_document_is_refused_exactly_if_a_name_stands_twice_in_an_object(document: str) -> None:
    doubles: list[bool] = []

    def member_by_member(members: list[tuple[str, Any]]) -> dict[str, Any]:
        doubles.append(len(dict(members)) < len(members))
        return dict(members)

    value = json.loads(document, object_pairs_hook=member_by_member)
    if any(doubles):
        with pytest.raises(json.JSONDecodeError, match="two members of one name"):
            parse_json(document.encode())
    else:
        assert parse_json(document.encode()) == value


class Shouting(APIRoute):
    """A route class of somebody's own, that looks at the body first."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            response = await handler(request)
            response.headers["x-body"] = (await request.body()).decode().upper()
            response.headers["x-path"] = self.path
            return response

        return handle


class TestRoutes:
    @pytest.fixture
    def client(self, app: FastAPI) -> TestClient:
        router = APIRouter(prefix="/nested")
        shouting = APIRouter(prefix="/shouting", route_class=Shouting)

        async def echo(request: Request, body: Annotated[Any, Body()]) -> Any:
            assert isinstance(request, StrictRequest)
            assert await request.json() == body
            return body

        async def form(a: Annotated[str, Form()]) -> str:
            return a

        app.post("/flat")(echo)
        app.post("/form")(form)
        router.post("/deep")(echo)
        shouting.post("/loud")(echo)
        router.include_router(shouting)
        app.include_router(router)
        flatten_routes(app)
        return TestClient(app)

    @pytest.mark.parametrize("path", ["/flat", "/nested/deep", "/nested/shouting/loud"])
    @pytest.mark.parametrize("document", [b"NaN", b"1e999", b"[" * 1000 + b"]" * 1000])
    def test_every_route_reads_its_body_strictly(self, client: TestClient, path: str, document: bytes) -> None:
        response = client.post(path, content=document, headers={"content-type": "application/json"})

        assert response.status_code == 422
        assert response.json()["errors"][0]["pointer"] == "#"

    @pytest.mark.parametrize("path", ["/flat", "/nested/deep", "/nested/shouting/loud"])
    def test_a_good_body_arrives(self, client: TestClient, path: str) -> None:
        assert client.post(path, json={"a": [1]}).json() == {"a": [1]}

    def test_a_route_class_of_the_author_s_own_still_works(self, client: TestClient) -> None:
        response = client.post("/nested/shouting/loud", json="abc")

        assert response.headers["x-body"] == '"ABC"'
        assert response.headers["x-path"].endswith("/loud")

    def test_forms_are_read_as_before(self, client: TestClient) -> None:
        assert client.post("/form", data={"a": "NaN"}).json() == "NaN"

    def test_a_route_that_somebody_wrapped_is_left_alone(self, app: FastAPI) -> None:
        @app.post("/")
        async def echo(body: list[int]) -> list[int]:
            return body

        route = next(route for route in app.routes if isinstance(route, APIRoute))
        inner = route.app

        async def wrapped(*args: Any) -> None:
            await inner(*args)

        route.app = wrapped
        flatten_routes(app)

        assert route.app is wrapped
