"""What `/_dev` answers, and to whom; and what it never tells."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.testclient import TestClient

from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.redaction import register_secrets
from fastapi_factory_utilities.core.services.status import (
    ComponentInstanceType,
    HealthStatusEnum,
    ReadinessStatusEnum,
    Status,
)
from tests.unit.core.dev.sample import SECRET, Shop, builder, client


def newest(browser: TestClient) -> dict[str, Any]:
    number = browser.get("/_dev/requests.json").json()["requests"][0]["number"]
    detail: dict[str, Any] = browser.get(f"/_dev/requests/{number}.json").json()
    return detail


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_elsewhere_there_is_no_page_and_its_code_is_not_imported(
    environment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("fastapi_factory_utilities.core.dev")]:
        monkeypatch.delitem(sys.modules, name)
    with client(application={"environment": environment}, docs={"enabled": True}) as browser:
        for path in ("/_dev", "/_dev/page.js", "/_dev/requests.json"):
            answer = browser.get(path)
            assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
        assert "_dev" not in browser.get("/openapi.json").text
    assert "fastapi_factory_utilities.core.dev" not in sys.modules


def test_it_can_be_switched_off() -> None:
    with client(development={"page": False}) as browser:
        assert browser.get("/_dev").status_code == 404


def test_strangers_are_refused_everything_with_the_key_that_would_let_them_in() -> None:
    with client() as browser:
        for path in ("/_dev", "/_dev/page.js", "/_dev/requests.json", "/_dev/nothing"):
            answer = browser.get(path, headers={"host": "evil.example"})
            assert answer.status_code == 403
            assert "development.page_hosts" in answer.json()["detail"]
    with client(development={"page_hosts": ["evil.example"]}) as browser:
        assert browser.get("/_dev", headers={"host": "evil.example"}).status_code == 200


@pytest.mark.parametrize("root_path", ["", "/behind/a/proxy"])
def test_every_answer_forbids_whatever_is_not_the_pages_own(root_path: str) -> None:
    with client(application={"root_path": root_path}) as browser:
        for path in ("", "/page.js", "/views.css", "/icon.svg", "/health.json", "/nothing", "/%2e%2e/page.py"):
            headers = browser.get(f"{root_path}/_dev{path}").headers
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert "http" not in policy
            assert headers["cross-origin-resource-policy"] == "same-origin"
            assert headers["cache-control"] == "no-store"
            assert "access-control-allow-origin" not in headers
        page = browser.get(f"{root_path}/_dev").text
    assert "onclick" not in page
    assert "style=" not in page
    assert "<script>" not in page


def test_only_reading_is_allowed_and_unknown_names_are_problems() -> None:
    with client() as browser:
        assert browser.post("/_dev/requests.json").status_code == 405
        for path in (
            "/_dev/x.json",
            "/_dev/requests/99.json",
            "/_dev/requests/a.json",
            "/_dev/assets/",
            "/_dev/%2e%2e/page.py",
        ):
            assert browser.get(path).headers["content-type"] == "application/problem+json"
        assert browser.get("/_development").status_code == 404


def test_a_request_is_shown_with_its_log_lines_and_nobody_elses() -> None:
    with client() as browser:
        browser.get("/api/v1/orders/1?limit=3&limit=4&q=x")
        browser.get("/api/v1/orders/2")
        first, second = (browser.get(f"/_dev/requests/{number}.json").json() for number in (1, 2))
    assert (first["method"], first["title"], first["route"]) == ("GET", "/api/v1/orders/1", "/api/v1/orders/{order_id}")
    assert (first["status"], first["octets"], first["client"]) == (200, 3, "127.0.0.1")
    assert first["query"] == ["limit", "q"]
    assert first["seconds"] > 0
    assert [(line["event"], line["facts"]["order_id"]) for line in first["lines"]] == [("order looked up", "1")]
    assert [line["facts"]["order_id"] for line in second["lines"]] == ["2"]
    assert first["trace"] != second["trace"]


def test_requests_of_one_trace_are_shown_each_with_its_own_log_lines() -> None:
    with client() as browser:
        for number in "12":
            headers = {"traceparent": f"00-{'7' * 32}-{'8' * 16}-01", "x-request-id": number}
            browser.get(f"/api/v1/orders/{number}", headers=headers)
        first, second = (browser.get(f"/_dev/requests/{number}.json").json() for number in (1, 2))
    assert first["trace"] == second["trace"] == "7" * 32
    assert [line["facts"]["order_id"] for line in first["lines"]] == ["1"]
    assert [line["facts"]["order_id"] for line in second["lines"]] == ["2"]


def test_a_failure_is_shown_with_its_exception() -> None:
    with client() as browser:
        browser.get("/api/v1/orders/broken")
        shown = newest(browser)
    assert (shown["status"], shown["failed"], shown["worst"]) == (500, True, "error")
    exception = shown["lines"][-1]["facts"]["exception"]
    assert (exception["type"], exception["message"]) == ("RuntimeError", "the shelf is empty")


def test_a_request_that_goes_on_is_shown_while_it_does() -> None:
    with client() as browser, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(browser.get, "/api/v1/orders/7/slowly")
        assert browser.portal is not None
        browser.portal.call(Shop.reached.wait)
        during = newest(browser)
        browser.portal.call(Shop.may_go_on.set)
        answer.result()
        after = newest(browser)
    assert (during["seconds"], during["status"]) == (None, 0)
    assert [line["event"] for line in during["lines"]] == ["slow order"]
    assert after["seconds"] is not None
    assert after["status"] == 200


def test_a_websocket_session_is_shown_with_its_close_code() -> None:
    with client() as browser, browser.websocket_connect("/api/v1/orders/live") as socket:
        assert socket.receive()["code"] == 4001
        socket.close()
        shown = newest(browser)
    assert (shown["kind"], shown["status"], shown["failed"]) == ("websocket", 4001, False)


def test_probes_and_the_pages_own_requests_are_no_part_of_the_story(capsys: pytest.CaptureFixture[str]) -> None:
    with client() as browser:
        browser.get("/api/v1/sys/readiness")
        browser.get("/api/v1/sys/health", headers={"origin": "http://elsewhere.example"})
        browser.get("/_dev")
        assert browser.get("/_dev/requests.json").json()["requests"] == []
    assert "path=/_dev" not in capsys.readouterr().out


def test_the_page_is_not_sent_what_it_has() -> None:
    with client() as browser:
        browser.get("/api/v1/orders/1")
        service = browser.get("/_dev/requests.json").json()["service"]
        again = browser.get(f"/_dev/requests.json?known={service['life']}-{service['store_version']}").json()
        browser.get("/api/v1/orders/2")
        later = browser.get(f"/_dev/requests.json?known={service['life']}-{service['store_version']}").json()
    assert "requests" not in again
    assert len(later["requests"]) == 2


def test_health_is_shown_with_what_changed() -> None:
    with client() as browser:
        status = browser.app.get_status_service()  # type: ignore[attr-defined] # the client knows an ASGI application

        async def fail() -> None:
            payments = status.register_component_instance(ComponentInstanceType.from_key("check:payments"))
            payments.healthy()
            reason = f"no answer from https://user:{SECRET}@payments.example"
            payments.on_next(Status(HealthStatusEnum.UNHEALTHY, ReadinessStatusEnum.NOT_READY, reason))

        assert browser.portal is not None
        browser.portal.call(fail)
        shown = browser.get("/_dev/health.json").json()
    (component,) = shown["components"]
    assert (component["key"], component["health"], component["required"]) == ("check:payments", "unhealthy", True)
    changes = [(one["from"], one["to"]) for one in shown["history"] if one["component"] == "check:payments"]
    assert changes == [("healthy", "unhealthy"), ("starting", "healthy")]
    assert shown["reason"] == "check:payments: no answer from https://user:***@payments.example"


def test_configuration_is_shown_with_origins_and_without_secrets() -> None:
    with client(payments={"password": "hunter-two"}) as browser:
        shown = browser.get("/_dev/configuration.json").json()
    rows = {row["key"]: row for row in shown["values"]}
    assert rows["application.version"] == {"key": "application.version", "value": "1.2.3", "origin": "add_config()"}
    assert rows["server.port"]["origin"] == "default"
    assert (rows["payments.password"]["value"], rows["payments.password"]["origin"]) == ("***", "add_config()")
    assert rows["payments.api_key"]["value"] == "***"
    assert rows["payments.url"]["value"] == "https://payer:***@payments.example/v1"


def test_an_application_without_a_builder_says_that_origins_are_unknown() -> None:
    config = builder().build().get_config()
    app = Shop(config)
    with TestClient(app, "http://localhost", client=("127.0.0.1", 1)) as browser:
        shown = browser.get("/_dev/configuration.json").json()
    assert shown["has_origins"] is False
    assert {row["origin"] for row in shown["values"]} == {""}


def test_routes_are_shown_with_what_they_need() -> None:
    with client() as browser:
        routes = browser.get("/_dev/routes.json").json()["routes"]
    own = {(route["path"], *route["methods"]): route for route in routes if route["own"]}
    found = own["/api/v1/orders/{order_id}", "GET"]
    assert [(one["in"], one["name"], one["required"]) for one in found["parameters"]] == [
        ("path", "order_id", True),
        ("query", "limit", False),
    ]
    assert [(one["name"], one["depth"]) for one in found["dependencies"]] == [
        ("tests.unit.core.dev.sample.page_size", 0)
    ]
    assert own["/api/v1/orders", "POST"]["security"] == [{"scheme": "OAuth2PasswordBearer", "scopes": ["orders:write"]}]
    assert own["/api/v1/orders/{order_id}/slowly", "GET"]["dependencies"] == []
    assert own["/api/v1/orders/{order_id}/slowly", "GET"]["security"] == [{"scheme": "APIKeyHeader", "scopes": []}]
    assert own["/api/v1/orders/live",]["kind"] == "websocket"
    assert any(route["path"] == "/api/v1/sys/health" and not route["own"] for route in routes)


def test_no_secret_is_ever_shown() -> None:
    with client() as browser:
        browser.get(f"/api/v1/orders/{SECRET}?token={SECRET}&{SECRET}=1", headers={"authorization": f"Bearer {SECRET}"})
        browser.get("/api/v1/orders/late-secret-kX82")
        register_secrets(["late-secret-kX82"])  # known only after it was remembered
        names = ["", "page.js", "requests.json", "requests/1.json", "requests/2.json"]
        names += ["health.json", "configuration.json", "routes.json"]
        told = {name: browser.get(f"/_dev/{name}".rstrip("/")).text for name in names}
    assert "order looked up" in told["requests/2.json"]
    assert "***" in told["requests/1.json"]
    assert [name for name, text in told.items() if SECRET in text or "late-secret" in text] == []


def test_no_known_secret_is_even_remembered() -> None:
    with client() as browser:
        browser.get(f"/api/v1/orders/{SECRET}?{SECRET}=1")
        get_logger("shop").info(f"said {SECRET}", trace_id="1" * 32, note=[SECRET], **{SECRET: 1})
        store = browser.app._page._store  # type: ignore[attr-defined] # the client knows an ASGI application
    assert len(store.trace("1" * 32).lines) == 1
    remembered = [*store.works, *(line for trace in store._traces.values() for line in trace.lines)]
    assert len(remembered) == 3
    assert SECRET not in repr(remembered)


def test_hostile_texts_stay_texts() -> None:
    hostile = "<script>alert(1)</script>\"'\u202e"
    with client() as browser:
        browser.get(f"/api/v1/orders/{hostile.replace('/', '%2F')}")
        browser.get(f"/api/v1/orders/{'<img src=x onerror=alert(1)>'}")
        answer = browser.get("/_dev/requests.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert any("<img src=x" in work["title"] for work in json.loads(answer.text)["requests"])
