"""Flattening changes the cost of a request and nothing else: one rich application, asked before and after."""

import json
from collections.abc import Callable, Coroutine, Iterator
from enum import Enum
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Request, Response, WebSocket, routing
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse
from starlette.routing import Host, Mount, NoMatchFound, Route, Router, WebSocketRoute
from starlette.testclient import TestClient

from fastapi_factory_utilities.core.api import flatten_routes

HAS_TREE = hasattr(routing, "_IncludedRouter")
needs_tree = pytest.mark.skipif(not HAS_TREE, reason="this version of FastAPI has no tree of routers")


class Tag(Enum):
    DEEP = "deep"


class Item(BaseModel):
    name: str
    secret: str | None = None


class Error(BaseModel):
    code: int


class Traced(APIRoute):
    """A route class of somebody's own."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            response = await handler(request)
            response.headers["x-traced"] = "yes"
            return response

        return handle


def seen(name: str) -> Any:
    """Make a dependency that leaves its name on the request."""

    async def dependency(connection: HTTPConnection) -> None:
        connection.state.seen = [*getattr(connection.state, "seen", []), name]

    return Depends(dependency)


async def setting() -> str:
    return "real"


Setting = Annotated[str, Depends(setting)]


async def plain(request: Request) -> Response:
    return PlainTextResponse(f"plain {request.path_params}")


async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_json(websocket.path_params)
    await websocket.close()


async def mounted(request: Request) -> Response:
    return PlainTextResponse(f"mounted {request.scope['root_path']} {request.url.path}")


def unique_id(route: APIRoute) -> str:
    return f"mine-{route.name}"


def _leaf() -> APIRouter:
    leaf = APIRouter(
        prefix="/leaf",
        tags=[Tag.DEEP],
        dependencies=[seen("leaf")],
        responses={404: {"model": Error}},
        default_response_class=HTMLResponse,
        deprecated=True,
    )
    callbacks = APIRouter()
    callbacks.post("{$url}")(lambda item: None)

    @leaf.get("/html")
    async def html(request: Request) -> str:
        return "<p>" + ",".join(request.state.seen)

    @leaf.get(
        "/{item_id}",
        response_model=Item,
        response_model_exclude_none=True,
        response_class=JSONResponse,
        name="leaf-item",
    )
    async def item(item_id: int, request: Request, value: Setting) -> Any:
        route = request.scope["route"]
        return {"name": f"{item_id} {value} {','.join(request.state.seen)} {type(route).__name__}"}

    @leaf.post(
        "/{item_id}",
        status_code=201,
        response_class=PlainTextResponse,
        openapi_extra={"x-mine": 1},
        callbacks=callbacks.routes,
        operation_id="make-leaf",
        summary="Make",
        response_description="Made",
        tags=["more"],
    )
    async def make(item_id: int, body: Item) -> str:
        """Make it.\fHidden."""
        return body.name

    return leaf


def _branch() -> APIRouter:
    branch = APIRouter(
        prefix="/{tenant}",
        dependencies=[seen("branch")],
        responses={418: {"description": "Tea"}},
        route_class=Traced,
        generate_unique_id_function=unique_id,
    )

    @branch.get("/who")
    async def who(tenant: str, request: Request) -> list[str]:
        return [tenant, *request.state.seen]

    @branch.get("/hidden", include_in_schema=False)
    async def hidden() -> str:
        return "hidden"

    @branch.websocket("/live/{number}")
    async def live(websocket: WebSocket, tenant: str, number: int, value: Setting) -> None:
        await websocket.accept()
        await websocket.send_json([tenant, number, value])
        await websocket.close()

    # A route that is appended says its router's prefix itself.
    branch.routes.append(Route("/{tenant}/plain/{x:int}", plain, methods=["GET", "PUT"], name="plain"))
    branch.routes.append(WebSocketRoute("/{tenant}/plain-live", socket))
    branch.include_router(_leaf(), prefix="/extra", tags=["extra"])
    return branch


def build() -> FastAPI:
    """Build an application with everything that routers can do."""
    app = FastAPI(dependencies=[seen("app")])
    sub = FastAPI()
    sub.get("/inner")(lambda: "inner")

    @app.get("/first/{anything}")
    async def first(anything: str) -> str:
        return f"first {anything}"

    shadowed = APIRouter(prefix="/first")
    shadowed.get("/never")(lambda: "shadowed")
    shadowed.post("/never")(lambda: "posted")
    app.include_router(shadowed)
    app.include_router(_branch(), prefix="/a", dependencies=[seen("a")], responses={500: {"model": Error}})
    app.include_router(_branch(), prefix="/b", include_in_schema=False, deprecated=True)

    mounting = APIRouter(prefix="/mounts")
    mounting.routes.append(Mount("/mounts/static", routes=[Route("/{rest:path}", mounted)], name="static"))
    if HAS_TREE:  # older versions cannot include it
        mounting.routes.append(Host("api.example", Router([Route("/mounts/{host}", plain)]), name="host"))
    mounting.mount("/mounts/sub", sub)
    app.include_router(mounting)

    slashes = APIRouter()
    slashes.get("/slash/")(lambda: "slash")
    slashes.get("/headed")(headed)
    app.include_router(slashes)

    @app.get("/{anything:path}")
    async def last(anything: str) -> str:
        if anything == "gone":
            raise HTTPException(410)
        return f"last {anything}"

    return app


async def headed(x_key: Annotated[str, Header()]) -> str:
    return x_key


REQUESTS = [
    ("GET", "/first/never"),
    ("POST", "/first/never"),
    ("GET", "/a/t1/who"),
    ("GET", "/b/t2/who"),
    ("GET", "/a/t1/hidden"),
    ("GET", "/a/t1/plain/3"),
    ("PUT", "/a/t1/plain/3"),
    ("HEAD", "/a/t1/plain/3"),
    ("DELETE", "/a/t1/plain/3"),
    ("GET", "/a/t1/plain/x"),
    ("GET", "/a/t1/extra/leaf/html"),
    ("GET", "/a/t1/extra/leaf/7"),
    ("GET", "/b/t1/extra/leaf/x"),
    ("POST", "/a/t1/extra/leaf/7"),
    ("DELETE", "/a/t1/extra/leaf/7"),
    ("GET", "/mounts/static/css/x.css"),
    ("GET", "/mounts/sub/inner"),
    ("GET", "/mounts/sub/nowhere"),
    ("GET", "/slash"),
    ("GET", "/slash/"),
    ("POST", "/slash"),
    ("GET", "/headed"),
    ("GET", "/gone"),
    ("GET", "/else/where"),
    ("OPTIONS", "/a/t1/who"),
    ("PATCH", "/nowhere"),
]


@pytest.fixture(params=[False, True], ids=["tree", "flat"])
def app(request: pytest.FixtureRequest) -> FastAPI:
    app = build()
    if request.param:
        flatten_routes(app)
    return app


def answers(app: FastAPI) -> Iterator[tuple[Any, ...]]:
    client = TestClient(app)
    for method, path in REQUESTS:
        body = {"name": "x"} if method == "POST" else None
        response = client.request(method, path, json=body, follow_redirects=False)
        headers = {name: sorted(value.split(", ")) for name, value in response.headers.items()}
        yield method, path, response.status_code, response.text, headers
    yield ("host", client.get("/mounts/host", headers={"host": "api.example"}).text)


def test_every_request_is_answered_as_before() -> None:
    app = build()
    before = list(answers(app))

    flatten_routes(app)

    assert list(answers(app)) == before
    assert before[2][3] == '["t1","app","a","branch"]'
    assert before[11][3] == '{"name":"7 real app,a,branch,leaf APIRoute"}'


@pytest.mark.filterwarnings("ignore:Duplicate Operation ID")
def test_openapi_is_the_same_to_the_byte() -> None:
    app = build()
    before = json.dumps(app.openapi())
    flat = build()

    flatten_routes(flat)

    assert json.dumps(flat.openapi()) == before
    assert "mine-who" in before
    assert "x-mine" in before


@needs_tree
def test_no_included_router_is_left() -> None:
    app = build()

    flatten_routes(app)

    assert not [route for route in app.routes if type(route).__name__ == "_IncludedRouter"]


def test_the_route_of_a_request_has_the_whole_template() -> None:
    app = FastAPI()
    inner = APIRouter(prefix="/{tenant}")

    @inner.get("/books/{book_id}")
    async def template(request: Request) -> list[str]:
        route = request.scope["route"]
        return [route.path_format, route.path]

    outer = APIRouter(prefix="/api")
    outer.include_router(inner, prefix="/v1")
    app.include_router(outer)

    flatten_routes(app)

    assert TestClient(app).get("/api/v1/t/books/3").json() == ["/api/v1/{tenant}/books/{book_id}"] * 2


def test_a_router_that_is_included_twice_is_there_twice() -> None:
    app, router = FastAPI(), APIRouter()
    router.get("/books", name="books")(template_of)
    app.include_router(router, prefix="/one")
    app.include_router(router, prefix="/two", dependencies=[seen("two")])

    flatten_routes(app)

    client = TestClient(app)
    assert client.get("/one/books").json() == ["/one/books"]
    assert client.get("/two/books").json() == ["/two/books", "two"]
    assert app.url_path_for("books") == "/one/books"


async def template_of(request: Request) -> list[str]:
    return [request.scope["route"].path_format, *getattr(request.state, "seen", [])]


def test_url_path_for_finds_every_name(app: FastAPI) -> None:
    # A name that is there twice means the first.
    assert app.url_path_for("leaf-item", tenant="t", item_id=3) == "/a/t/extra/leaf/3"
    assert app.url_path_for("plain", tenant="t", x=3) == "/a/t/plain/3"
    assert app.url_path_for("live", tenant="t", number=3) == "/a/t/live/3"
    with pytest.raises(NoMatchFound):
        app.url_path_for("nobody")


def test_websockets_keep_prefix_and_dependencies(app: FastAPI) -> None:
    with TestClient(app).websocket_connect("/a/t1/live/3") as connection:
        assert connection.receive_json() == ["t1", 3, "real"]
    with TestClient(app).websocket_connect("/b/t2/plain-live") as connection:
        assert connection.receive_json() == {"tenant": "t2"}


def test_dependencies_can_be_overridden_at_any_time(app: FastAPI) -> None:
    client = TestClient(app)
    assert "real" in client.get("/a/t/extra/leaf/7").text

    app.dependency_overrides[setting] = lambda: "overridden"

    assert "overridden" in client.get("/a/t/extra/leaf/7").text
    with client.websocket_connect("/a/t1/live/3") as connection:
        assert connection.receive_json() == ["t1", 3, "overridden"]


def test_flattening_again_changes_nothing() -> None:
    app = build()
    flatten_routes(app)
    routes = list(app.routes)

    flatten_routes(app)

    assert app.routes == routes


@pytest.mark.parametrize("flattened_again", [False, True])
class TestLateRoutes:
    @pytest.fixture
    def router(self) -> APIRouter:
        router = APIRouter(prefix="/router")
        router.get("/early")(lambda: "early")
        router.get("/kept")(lambda: "kept")
        return router

    @pytest.fixture
    def app(self, router: APIRouter) -> FastAPI:
        app = FastAPI()
        app.include_router(router)
        app.get("/router/{anything}")(lambda anything: f"any {anything}")
        flatten_routes(app)
        return app

    def test_a_route_added_to_the_application_works(self, app: FastAPI, flattened_again: bool) -> None:
        app.get("/late")(lambda: "late")
        if flattened_again:
            flatten_routes(app)

        assert TestClient(app).get("/late").json() == "late"
        assert "/late" in app.openapi()["paths"]

    def test_a_router_included_later_works_and_becomes_flat(self, app: FastAPI, flattened_again: bool) -> None:
        late = APIRouter(prefix="/late")
        late.get("/{number}")(lambda number, request: number)
        late.get("/template/of")(lambda: "template")
        app.include_router(late)
        if flattened_again:
            flatten_routes(app)
        client = TestClient(app)

        assert client.get("/late/template/of").json() == "template"
        assert client.get("/late/template/of").json() == "template"
        assert not [route for route in app.routes if type(route).__name__ == "_IncludedRouter"]

    @needs_tree
    def test_a_route_added_to_an_included_router_works_from_its_first_request_on(
        self, app: FastAPI, router: APIRouter, flattened_again: bool
    ) -> None:
        router.post("/late/{number}", name="late")(lambda number: number)
        router.add_websocket_route("/router/live", socket)
        if flattened_again:
            flatten_routes(app)
        client = TestClient(app)

        assert client.post("/router/late/3").json() == "3"
        assert client.delete("/router/late/3").status_code == 405
        assert app.url_path_for("late", number=3) == "/router/late/3"
        with client.websocket_connect("/router/live") as connection:
            assert connection.receive_json() == {}

    @needs_tree
    def test_its_first_request_may_be_of_the_wrong_method(
        self, app: FastAPI, router: APIRouter, flattened_again: bool
    ) -> None:
        router.post("/late/{number}")(lambda number: number)
        if flattened_again:
            flatten_routes(app)

        assert TestClient(app).delete("/router/late/3").status_code == 405

    @needs_tree
    def test_its_name_is_found_even_before_its_first_request(
        self, app: FastAPI, router: APIRouter, flattened_again: bool
    ) -> None:
        router.get("/late/{number}", name="late")(lambda number: number)
        if flattened_again:
            flatten_routes(app)

        assert app.url_path_for("late", number=3) == "/router/late/3"

    @needs_tree
    def test_it_takes_the_place_that_its_router_has(
        self, app: FastAPI, router: APIRouter, flattened_again: bool
    ) -> None:
        router.get("/late")(lambda: "late")
        client = TestClient(app)
        if flattened_again:
            flatten_routes(app)
        else:
            client.get("/nowhere")  # the first request that finds no flat route

        assert client.get("/router/late").json() == "late"
        assert client.get("/router/other").json() == "any other"

    def test_a_route_that_was_taken_away_stays_away(self, app: FastAPI, flattened_again: bool) -> None:
        app.router.routes = [route for route in app.routes if getattr(route, "path", "") != "/router/early"]
        app.get("/late")(lambda: "late")
        if flattened_again:
            flatten_routes(app)
        client = TestClient(app)

        assert client.get("/late").json() == "late"
        assert client.get("/router/early").json() == "any early"
        assert client.get("/router/kept").json() == "kept"

    def test_a_route_put_first_stays_first(self, app: FastAPI, flattened_again: bool) -> None:
        app.router.routes.insert(0, Route("/router/early", plain))
        app.get("/late")(lambda: "late")
        if flattened_again:
            flatten_routes(app)
        client = TestClient(app)

        assert client.get("/late").json() == "late"
        assert client.get("/router/early").text == "plain {}"


@needs_tree
class TestUnknown:
    """What is not understood is left as it is."""

    def test_a_router_that_matches_in_its_own_way(self) -> None:
        class Picky(APIRouter):
            def matches(self, scope: Any) -> Any:
                return super().matches(scope)

        app, router = FastAPI(), Picky()
        router.get("/")(lambda: "picky")
        app.include_router(router)
        flatten_routes(app)

        assert [type(route).__name__ for route in app.routes[-2:]] == ["_IncludedRouter", "_LateRoutes"]
        assert TestClient(app).get("/").json() == "picky"

    def test_an_inclusion_with_a_setting_that_is_new(self) -> None:
        app, router = FastAPI(), APIRouter()
        router.get("/")(lambda: "new")
        if not hasattr(router, "form_limits"):
            pytest.skip("this version of FastAPI has nothing that we do not know")
        app.include_router(router, form_limits={"max_fields": 3})
        flatten_routes(app)

        assert [type(route).__name__ for route in app.routes[-2:]] == ["_IncludedRouter", "_LateRoutes"]
        assert TestClient(app).get("/").json() == "new"

    def test_an_unknown_branch_of_a_known_one_is_left_alone_by_itself(self, tmp_path: Any) -> None:
        if not hasattr(APIRouter, "frontend"):
            pytest.skip("this version of FastAPI has no frontends")
        (tmp_path / "index.html").write_text("front")
        app, outer, inner = FastAPI(), APIRouter(prefix="/outer"), APIRouter(prefix="/inner")
        inner.frontend("/ui", directory=tmp_path)
        inner.get("/in")(lambda: "in")
        outer.get("/out")(lambda: "out")
        outer.include_router(inner)
        app.include_router(outer)
        flatten_routes(app)
        client = TestClient(app)

        assert [type(route).__name__ for route in app.routes[-3:]] == ["APIRoute", "_IncludedRouter", "_LateRoutes"]
        assert client.get("/outer/out").json() == "out"
        assert client.get("/outer/inner/in").json() == "in"
        assert client.get("/outer/inner/ui/").text == "front"

    def test_an_empty_router_that_is_filled_later(self) -> None:
        app, router = FastAPI(), APIRouter()
        app.include_router(router)
        flatten_routes(app)

        router.get("/late")(lambda: "late")

        assert TestClient(app).get("/late").json() == "late"


def test_a_body_limit_of_an_inclusion_holds(app: FastAPI) -> None:
    if not hasattr(app, "max_body_size"):
        pytest.skip("this version of FastAPI has no body limit")
    limited = APIRouter(prefix="/limited")

    async def length(request: Request) -> Any:
        return PlainTextResponse(str(len(await request.body())))

    limited.post("/api")(length)
    limited.routes.append(Route("/limited/plain", length, methods=["POST"]))
    app.router.routes.pop(-1)
    app.include_router(limited, max_body_size=5)
    flatten_routes(app)
    client = TestClient(app)

    for path in ("/limited/api", "/limited/plain"):
        assert client.post(path, content=b"12345").text == "5"
        assert client.post(path, content=b"123456").status_code == 413
