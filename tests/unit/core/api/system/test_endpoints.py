"""The system endpoints: before FastAPI, and as its routes."""

from collections.abc import MutableMapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from fastapi_factory_utilities.core.api import SystemEndpoints, add_cors, create_fastapi, flatten_routes
from fastapi_factory_utilities.core.services.status import (
    ComponentInstanceType,
    ComponentTypeEnum,
    HealthStatusEnum,
    LivenessMonitor,
    ReadinessStatusEnum,
    Status,
    StatusService,
)

SYS = "/api/v1/sys"
PATHS = ("health", "health/components", "readiness", "liveness", "startup")
HEALTH_JSON = {"Accept": "application/health+json"}

HEALTHY = Status(HealthStatusEnum.HEALTHY, ReadinessStatusEnum.READY)
DEGRADED = Status(HealthStatusEnum.DEGRADED, ReadinessStatusEnum.READY, "slow")
UNHEALTHY = Status(HealthStatusEnum.UNHEALTHY, ReadinessStatusEnum.NOT_READY, "no answer")

MONGO = ComponentInstanceType(ComponentTypeEnum.DATABASE, "mongo")
BROKER = ComponentInstanceType(ComponentTypeEnum.MESSAGE_BROKER, "rabbit")


@dataclass
class Sut:
    status: StatusService
    client: TestClient

    def get(self, path: str, **headers: str) -> tuple[int, Any]:
        response = self.client.get(f"{SYS}/{path}", headers=headers)
        return response.status_code, response.json()


@pytest.fixture
def status() -> StatusService:
    return StatusService(liveness=LivenessMonitor())


@pytest.fixture(params=["before FastAPI", "FastAPI alone"])
def sut(request: pytest.FixtureRequest, status: StatusService) -> Sut:
    app = create_fastapi(title="Library", version="1")
    system = SystemEndpoints(status)
    app.include_router(system.router)
    flatten_routes(app)
    return Sut(status, TestClient(system.before(app) if request.param == "before FastAPI" else app))


class TestHealth:
    def test_without_components_it_is_healthy(self, sut: Sut) -> None:
        assert sut.get("health") == (200, {"status": "healthy"})

    @pytest.mark.parametrize(
        ("told", "answer"),
        [
            (HEALTHY, (200, {"status": "healthy"})),
            (DEGRADED, (200, {"status": "degraded"})),
            (UNHEALTHY, (503, {"status": "unhealthy"})),
        ],
    )
    def test_degraded_still_answers_200_and_unhealthy_503(
        self, sut: Sut, told: Status, answer: tuple[int, Any]
    ) -> None:
        sut.status.register_component_instance(MONGO).on_next(told)

        assert sut.get("health") == answer

    def test_every_change_is_seen_at_once(self, sut: Sut) -> None:
        subject = sut.status.register_component_instance(MONGO)
        seen = []
        for told in (HEALTHY, UNHEALTHY, DEGRADED, HEALTHY):
            subject.on_next(told)
            seen.append(sut.get("health")[1]["status"])

        assert seen == ["healthy", "unhealthy", "degraded", "healthy"]


class TestComponents:
    def test_each_says_how_it_is_why_and_since_when(self, sut: Sut) -> None:
        sut.status.register_component_instance(MONGO).on_next(
            replace(UNHEALTHY, next_try_at=datetime.fromisoformat("2026-01-01T00:00:00Z"))
        )
        sut.status.register_component_instance(BROKER, required=False).on_next(HEALTHY)

        code, report = sut.get("health/components")

        since = [component.pop("since") for component in report["components"].values()]
        assert code == 200
        assert report == {
            "status": "unhealthy",
            "components": {
                "database:mongo": {
                    "health": "unhealthy",
                    "readiness": "not_ready",
                    "required": True,
                    "reason": "no answer",
                    "next_try_at": "2026-01-01T00:00:00Z",
                },
                "message_broker:rabbit": {
                    "health": "healthy",
                    "readiness": "ready",
                    "required": False,
                    "reason": None,
                    "next_try_at": None,
                },
            },
        }
        assert all(datetime.fromisoformat(moment).tzinfo is not None for moment in since)

    def test_news_about_the_same_state_is_seen_too(self, sut: Sut) -> None:
        subject = sut.status.register_component_instance(MONGO)
        subject.on_next(UNHEALTHY)
        sut.get("health/components")
        subject.on_next(replace(UNHEALTHY, reason="another reason"))

        assert sut.get("health/components")[1]["components"]["database:mongo"]["reason"] == "another reason"


class TestReadiness:
    def test_ready_is_200(self, sut: Sut) -> None:
        assert sut.get("readiness") == (200, {"status": "ready"})

    def test_not_ready_is_503_and_names_the_components(self, sut: Sut) -> None:
        sut.status.register_component_instance(MONGO).on_next(UNHEALTHY)
        sut.status.register_component_instance(BROKER, required=False).on_next(UNHEALTHY)

        assert sut.get("readiness") == (
            503,
            {"status": "not_ready", "reason": "database:mongo: no answer", "components": ["database:mongo"]},
        )

    def test_an_optional_component_does_not_make_it_unready(self, sut: Sut) -> None:
        sut.status.register_component_instance(BROKER, required=False).on_next(UNHEALTHY)

        assert sut.get("readiness")[0] == 200

    def test_draining_is_not_ready(self, sut: Sut) -> None:
        sut.status.begin_drain()

        code, body = sut.get("readiness")

        assert (code, body["status"], body["reason"]) == (503, "not_ready", "draining")


class TestLiveness:
    def test_a_backend_that_is_down_never_ends_a_life(self, sut: Sut) -> None:
        sut.status.register_component_instance(MONGO).on_next(UNHEALTHY)

        assert sut.get("liveness") == (200, {"status": "alive"})

    def test_a_broken_process_is_503_and_says_why(self, sut: Sut) -> None:
        sut.get("liveness")
        sut.status.liveness.mark_broken("out of luck")

        assert sut.get("liveness") == (503, {"status": "not_alive", "reason": "out of luck"})
        assert sut.get("liveness", **HEALTH_JSON) == (503, {"status": "fail", "output": "out of luck"})


class TestStartup:
    def test_it_is_503_until_the_service_was_ready_once(self, sut: Sut) -> None:
        subject = sut.status.register_component_instance(MONGO)
        seen = [sut.get("startup")]
        sut.status.mark_started()
        seen.append(sut.get("startup"))
        subject.on_next(HEALTHY)
        seen.append(sut.get("startup"))
        subject.on_next(UNHEALTHY)
        seen.append(sut.get("startup"))

        assert seen == [
            (503, {"status": "starting"}),
            (503, {"status": "starting"}),
            (200, {"status": "started"}),
            (200, {"status": "started"}),
        ]


class TestDraft:
    """The form of draft-inadarei-api-health-check."""

    def test_health_has_checks_and_no_output_for_what_passes(self, sut: Sut) -> None:
        sut.status.register_component_instance(MONGO).on_next(HEALTHY)
        sut.status.register_component_instance(BROKER, required=False).on_next(replace(DEGRADED, reason="one missed"))

        code, document = sut.get("health", **HEALTH_JSON)

        times = [check.pop("time") for checks in document["checks"].values() for check in checks]
        assert code == 200
        assert document == {
            "status": "warn",
            "output": "message_broker:rabbit: one missed",
            "checks": {
                "mongo:availability": [
                    {
                        "componentId": "database:mongo",
                        "componentType": "datastore",
                        "observedValue": "healthy",
                        "status": "pass",
                    }
                ],
                "rabbit:availability": [
                    {
                        "componentId": "message_broker:rabbit",
                        "componentType": "component",
                        "observedValue": "degraded",
                        "status": "warn",
                        "output": "one missed",
                    }
                ],
            },
        }
        assert all(moment.endswith("Z") for moment in times)

    def test_components_of_one_name_stand_side_by_side(self, sut: Sut) -> None:
        for kind in (ComponentTypeEnum.CACHE, ComponentTypeEnum.TASK_QUEUE):
            sut.status.register_component_instance(ComponentInstanceType(kind, "redis")).on_next(HEALTHY)

        checks = sut.get("health/components", **HEALTH_JSON)[1]["checks"]["redis:availability"]

        assert [check["componentId"] for check in checks] == ["cache:redis", "task_queue:redis"]

    @pytest.mark.parametrize(
        ("path", "passes", "fails"),
        [
            ("health", {"status": "pass", "checks": {}}, "fail"),
            ("health/components", {"status": "pass", "checks": {}}, "fail"),
            ("readiness", {"status": "pass"}, "fail"),
            ("liveness", {"status": "pass"}, "pass"),
        ],
    )
    def test_every_endpoint_has_it(self, sut: Sut, path: str, passes: dict[str, Any], fails: str) -> None:
        assert sut.get(path, **HEALTH_JSON) == (200, passes)

        sut.status.register_component_instance(MONGO).on_next(UNHEALTHY)
        code, document = sut.get(path, **HEALTH_JSON)

        assert document["status"] == fails
        assert code == (503 if fails == "fail" else 200)

    def test_startup_has_it(self, sut: Sut) -> None:
        assert sut.get("startup", **HEALTH_JSON)[0] == 503
        sut.status.mark_started()
        assert sut.get("startup", **HEALTH_JSON) == (200, {"status": "pass"})


class TestHTTP:
    @pytest.mark.parametrize("path", PATHS)
    def test_no_answer_may_be_kept_and_each_form_says_what_it_is(self, sut: Sut, path: str) -> None:
        plain = sut.client.get(f"{SYS}/{path}")
        draft = sut.client.get(f"{SYS}/{path}", headers=HEALTH_JSON)

        for response, media_type in ((plain, "application/json"), (draft, "application/health+json")):
            assert response.headers["cache-control"] == "no-store"
            assert response.headers["content-type"] == media_type
            assert response.headers["content-length"] == str(len(response.content))

    @pytest.mark.parametrize("path", PATHS)
    def test_head_is_get_without_the_body(self, sut: Sut, path: str) -> None:
        named = {"X-Request-ID": "the-same"}
        get, head = sut.client.get(f"{SYS}/{path}", headers=named), sut.client.head(f"{SYS}/{path}", headers=named)

        assert head.content == b""
        assert (head.status_code, head.headers) == (get.status_code, get.headers)

    @pytest.mark.parametrize("path", PATHS)
    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
    def test_any_other_method_is_a_405_that_says_which_are_allowed(self, sut: Sut, path: str, method: str) -> None:
        response = sut.client.request(method, f"{SYS}/{path}")

        assert response.status_code == 405
        assert response.headers["allow"] == "GET, HEAD"
        assert response.headers["content-type"] == "application/problem+json"

    def test_what_is_beside_them_is_not_theirs(self, sut: Sut) -> None:
        assert sut.client.get(f"{SYS}/nothing").status_code == 404


@pytest.mark.parametrize("root_path", ["", "/behind/a/proxy"])
def test_before_fastapi_they_answer_without_reaching_it(status: StatusService, root_path: str) -> None:
    async def other(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse("other")(scope, receive, send)

    client = TestClient(SystemEndpoints(status).before(other), root_path=root_path)

    assert client.get(f"{root_path}{SYS}/health").json() == {"status": "healthy"}
    assert client.get("/books").text == "other"


def test_a_root_path_of_the_application_is_honoured(status: StatusService) -> None:
    app = create_fastapi(title="Library", version="1", root_path="/proxied")
    system = SystemEndpoints(status)
    app.include_router(system.router)
    client = TestClient(system.before(app))

    for prefix in ("", "/proxied"):
        assert client.get(f"{prefix}{SYS}/health").json() == {"status": "healthy"}


def test_browsers_of_other_origins_may_ask_where_cors_allows_them(status: StatusService) -> None:
    app = create_fastapi(title="Library", version="1")
    system = SystemEndpoints(status)
    app.include_router(system.router)
    add_cors(app, allow_origins=["https://app.example"])
    client = TestClient(system.before(app))

    preflight = client.options(
        f"{SYS}/health", headers={"Origin": "https://app.example", "Access-Control-Request-Method": "GET"}
    )

    answer = client.get(f"{SYS}/health", headers={"Origin": "https://app.example"})

    assert preflight.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "https://app.example"


@pytest.mark.parametrize("accept", ["*/*", "application/health+json"])
async def test_head_sends_no_body_even_to_a_server_that_would_pass_it_on(status: StatusService, accept: str) -> None:
    sent: list[Any] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "HEAD", "path": f"{SYS}/health", "headers": [(b"accept", accept.encode())]}
    await SystemEndpoints(status).before(_never)(scope, _never, send)

    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert sent[1]["body"] == b""
    assert dict(sent[0]["headers"])[b"content-length"] != b"0"


async def test_lifespan_and_websockets_go_to_the_application(status: StatusService) -> None:
    seen: list[str] = []

    async def other(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    app = SystemEndpoints(status).before(other)
    for kind in ("lifespan", "websocket"):
        await app({"type": kind, "path": f"{SYS}/health"}, _never, _never)

    assert seen == ["lifespan", "websocket"]


async def _never(*_: Any) -> Any:
    raise AssertionError


def test_a_body_made_for_one_client_is_not_changed_by_what_another_layer_does_to_it(status: StatusService) -> None:
    answers = SystemEndpoints(status)

    async def meddling(scope: Any, receive: Any, send: Any) -> None:
        async def send_more(message: Any) -> None:
            message.get("headers", []).append((b"x-more", b"1"))
            await send(message)

        await answers.before(_never)(scope, receive, send_more)

    client = TestClient(meddling)
    client.get(f"{SYS}/health")

    assert client.get(f"{SYS}/health").headers.get_list("x-more") == ["1"]
