"""OpenAPI speaks of problems."""

from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel
from starlette.testclient import TestClient

from fastapi_factory_utilities.core.api import flatten_routes
from fastapi_factory_utilities.core.api.system import SystemEndpoints
from fastapi_factory_utilities.core.services.status import StatusService

PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
VALIDATION_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ValidationProblem"}}}


class Book(BaseModel):
    title: str


class Mine(BaseModel):
    code: int


async def nothing() -> None: ...


async def with_parameter(limit: int) -> None: ...


def operation(app: FastAPI, path: str, method: str = "get") -> dict[str, Any]:
    found: dict[str, Any] = app.openapi()["paths"][path][method]
    return found


def test_a_validated_operation_documents_its_422_as_a_problem_with_errors(app: FastAPI) -> None:
    app.get("/")(with_parameter)

    responses = operation(app, "/")["responses"]

    assert responses["422"]["content"] == VALIDATION_PROBLEM
    assert responses["default"]["content"] == PROBLEM
    assert sorted(app.openapi()["components"]["schemas"]) == ["Problem", "ValidationProblem"]


def test_an_operation_that_validates_nothing_has_only_the_default(app: FastAPI) -> None:
    app.get("/")(nothing)

    assert sorted(operation(app, "/")["responses"]) == ["200", "default"]
    assert sorted(app.openapi()["components"]["schemas"]) == ["Problem"]


@pytest.mark.parametrize("status", [422, "4XX", "default", 404])
def test_responses_that_the_author_documented_stay(app: FastAPI, status: int | str) -> None:
    app.get("/", responses={status: {"model": Mine, "description": "Mine."}})(with_parameter)

    responses = operation(app, "/")["responses"]

    assert responses[str(status)] == {
        "description": "Mine.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Mine"}}},
    }
    assert "default" in responses
    assert "HTTPValidationError" not in app.openapi()["components"]["schemas"]


def test_a_model_of_the_author_s_keeps_its_name(app: FastAPI) -> None:
    class Problem(BaseModel):
        mine: int

    app.get("/", response_model=Problem)(with_parameter)
    schemas = app.openapi()["components"]["schemas"]

    assert sorted(schemas["Problem"]["properties"]) == ["mine"]
    assert operation(app, "/")["responses"]["default"]["content"] == {
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/HttpProblem"}}
    }
    assert schemas["ValidationProblem"]["allOf"] == [{"$ref": "#/components/schemas/HttpProblem"}]


def test_what_other_services_answer_stays_as_fastapi_says_it(app: FastAPI) -> None:
    callbacks = APIRouter()
    callbacks.post("{$callback_url}/done")(with_parameter)
    app.post("/", callbacks=callbacks.routes)(with_parameter)

    described = operation(app, "/", "post")

    assert described["responses"]["422"]["content"] == VALIDATION_PROBLEM
    (callback,) = described["callbacks"].values()
    assert "application/json" in callback["{$callback_url}/done"]["post"]["responses"]["422"]["content"]
    assert "HTTPValidationError" in app.openapi()["components"]["schemas"]


def test_the_document_is_made_once_and_again_only_for_new_routes(app: FastAPI) -> None:
    app.get("/a")(nothing)
    first = app.openapi()
    assert app.openapi() is first
    if not hasattr(app.router, "_get_routes_version"):
        pytest.skip("this version of FastAPI never makes it again")

    app.get("/b")(nothing)

    assert sorted(app.openapi()["paths"]) == ["/a", "/b"]
    assert app.openapi()["paths"]["/b"]["get"]["responses"]["default"]["content"] == PROBLEM


def test_a_route_that_was_added_to_an_included_router_later_is_documented(app: FastAPI) -> None:
    if not hasattr(app.router, "_get_routes_version"):
        pytest.skip("in this version of FastAPI a router is copied when it is included")
    router = APIRouter()
    router.get("/early")(nothing)
    app.include_router(router)
    flatten_routes(app)
    app.openapi()

    router.get("/late")(nothing)

    assert sorted(app.openapi()["paths"]) == ["/early", "/late"]


def test_a_real_problem_fits_its_schema(app: FastAPI) -> None:
    app.post("/")(with_parameter)
    schemas = app.openapi()["components"]["schemas"]

    problem = TestClient(app).post("/").json()

    assert set(schemas["Problem"]["required"]) <= set(problem)
    assert set(problem) - {"errors"} <= set(schemas["Problem"]["properties"])
    item = schemas["ValidationProblem"]["properties"]["errors"]["items"]
    for error in problem["errors"]:
        assert set(item["required"]) <= set(error) <= set(item["properties"])


def test_the_system_endpoints_are_documented_and_take_no_model_name(app: FastAPI) -> None:
    app.include_router(SystemEndpoints(StatusService()).router)
    flatten_routes(app)

    paths = app.openapi()["paths"]

    assert sorted(paths) == [
        "/api/v1/sys/health",
        "/api/v1/sys/health/components",
        "/api/v1/sys/liveness",
        "/api/v1/sys/readiness",
        "/api/v1/sys/startup",
    ]
    for path in paths.values():
        assert list(path) == ["get"]
        assert path["get"]["tags"] == ["sys"]
        for status in ("200", "503"):
            assert sorted(path["get"]["responses"][status]["content"]) == [
                "application/health+json",
                "application/json",
            ]
    assert sorted(app.openapi()["components"]["schemas"]) == ["Problem"]
