"""The FastAPI object."""

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from fastapi_factory_utilities.core.api import create_fastapi


def test_it_says_what_it_was_told() -> None:
    app = create_fastapi(title="Library", version="1.2.3", description="Books.")

    info = TestClient(app).get("/openapi.json").json()["info"]

    assert info == {"title": "Library", "version": "1.2.3", "description": "Books."}


@pytest.mark.parametrize("root_path", ["/behind/a/proxy", "/behind/a/proxy/"])
def test_a_root_path_serves_proxies_that_strip_it_and_proxies_that_do_not(root_path: str) -> None:
    app = create_fastapi(title="Library", version="1", root_path=root_path)
    app.get("/books")(lambda: "books")
    client = TestClient(app)

    assert client.get("/books").json() == "books"
    assert client.get("/behind/a/proxy/books").json() == "books"
    assert client.get("/openapi.json").json()["servers"] == [{"url": "/behind/a/proxy"}]


def test_the_lifespan_runs_around_serving() -> None:
    seen: list[str] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, str]]:
        seen.append(app.title)
        yield {"from": "lifespan"}
        seen.append("over")

    with TestClient(create_fastapi(title="Library", version="1", lifespan=lifespan)) as client:
        assert seen == ["Library"]
        assert client.app_state == {"from": "lifespan"}
    assert seen == ["Library", "over"]


def test_fastapi_s_own_telemetry_is_off_where_there_is_any(app: FastAPI) -> None:
    telemetry = getattr(app, "_telemetry", None)
    if telemetry is None:
        pytest.skip("this version of FastAPI has no telemetry")

    assert [telemetry[kind] for kind in ("tracing", "metrics", "logs", "auto_configure")] == [False] * 4


def test_making_one_without_docs_does_not_load_the_docs() -> None:
    program = """
import sys
from fastapi_factory_utilities.core.api import create_fastapi
create_fastapi(title="Library", version="1", docs_enabled=False).build_middleware_stack()
assert not [name for name in sys.modules if name.endswith("core.api.docs") or name.startswith("fastapi_offline")]
assert "starlette.middleware.cors" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)
