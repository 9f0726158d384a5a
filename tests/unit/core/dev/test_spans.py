"""Spans on the page, with a tracer that OpenTelemetry's plugin makes."""

from fastapi_factory_utilities.core.dev.spans import RememberSpans, span_rows
from fastapi_factory_utilities.core.dev.store import Store
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin import OpenTelemetryConfig, OpenTelemetryPlugin
from fastapi_factory_utilities.core.redaction import register_secrets
from fastapi_factory_utilities.core.telemetry import SpanKind
from tests.unit.core.dev.sample import client

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def plugin() -> OpenTelemetryPlugin:
    return OpenTelemetryPlugin(OpenTelemetryConfig(exporter="none"), environ={})


def test_a_request_is_shown_as_the_tree_of_its_spans() -> None:
    with client(plugin()) as browser:
        browser.get("/api/v1/orders/1")
        answer = browser.get("/_dev/requests.json").json()
        shown = browser.get("/_dev/requests/1.json").json()
    assert answer["service"]["has_spans"] is True
    assert len(answer["requests"]) == 1
    assert answer["requests"][0]["span_count"] >= 1
    server = shown["spans"][0]
    assert (server["kind"], server["parent"], server["error"]) == ("server", None, False)
    assert server["attributes"]["http.response.status_code"] == 200
    (line,) = shown["lines"]
    assert line["span"] == server["id"]
    assert browser.app.telemetry_slot.current.tracer.recorder._sinks == ()  # type: ignore[attr-defined] # as below


def test_work_that_a_message_began_is_shown_by_itself() -> None:
    store = Store()
    with client(plugin()) as browser:
        telemetry = browser.app.telemetry_slot.current  # type: ignore[attr-defined] # the client knows an ASGI app
        forget = telemetry.add_span_sink(RememberSpans(store))
        with telemetry.span("process orders", SpanKind.CONSUMER, parent={"traceparent": TRACEPARENT}) as span:
            with telemetry.span("find", SpanKind.CLIENT, {"db.system.name": "mongodb", "password": "hunter-two"}):
                pass
            span.fail(ValueError("no such order"))
        forget()
        with telemetry.span("unseen", SpanKind.CONSUMER):
            pass
    (work,) = store.works
    assert (work.kind, work.title, work.failed) == ("message", "process orders", True)
    assert work.trace_id == TRACEPARENT.split("-")[1]
    outer, inner = span_rows(store.trace(work.trace_id).spans)
    assert (outer["parent"], outer["remote_parent"], outer["error"]) == ("00f067aa0ba902b7", True, True)
    assert outer["events"][0]["attributes"]["exception.message"] == "no such order"
    assert (inner["parent"], inner["kind"]) == (outer["id"], "client")
    assert inner["attributes"] == {"db.system.name": "mongodb", "password": "***"}


def test_looks_whether_a_backend_answers_do_not_push_requests_out() -> None:
    store = Store()
    with client(plugin()) as browser:
        telemetry = browser.app.telemetry_slot.current  # type: ignore[attr-defined] # the client knows an ASGI app
        telemetry.add_span_sink(RememberSpans(store))
        with telemetry.span("PING", SpanKind.CLIENT, {"db.system.name": "redis"}):
            pass
        assert (store.works, store.version) == ([], 0)
        with telemetry.span("tidy up"), telemetry.span("PING", SpanKind.CLIENT):
            pass
    (work,) = store.works
    assert (work.kind, work.title, len(store.trace(work.trace_id).spans)) == ("job", "tidy up", 2)


def test_secrets_that_became_known_after_the_span_are_masked() -> None:
    store = Store()
    with client(plugin()) as browser:
        telemetry = browser.app.telemetry_slot.current  # type: ignore[attr-defined] # the client knows an ASGI app
        telemetry.add_span_sink(RememberSpans(store))
        with telemetry.span("send late-kX83", SpanKind.CONSUMER, {"header": ["late-kX83"]}) as span:
            span.add_event("said late-kX83", {"what": "late-kX83"})
        register_secrets(["late-kX83"])
        rows = span_rows(store.trace(store.works[0].trace_id).spans)
    assert "late-kX83" not in str(rows)
