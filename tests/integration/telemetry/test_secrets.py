"""What callers and configuration keep secret reaches no span, no metric and no log."""

import base64
import logging
from secrets import token_hex
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from websockets.asyncio.client import connect

from fastapi_factory_utilities.testing.otlp import OtlpCollector
from tests.integration.telemetry.shop import build, served, telemetry_to

PLACES = (
    "query",
    "other-query",
    "bearer",
    "userinfo",
    "cookie",
    "header",
    "referer",
    "body",
    "invalid-body",
    "parsed-body",
    "socket-query",
    "socket-text",
    "baggage",
    "called-query",
    "called-header",
    "called-body",
    "shop-key",
    "collector-key",
)


@pytest.fixture
def planted() -> dict[str, str]:
    """A secret for each place: short, what is long is cut in messages; with signs that queries encode."""
    return {place: f"planted-{token_hex(5)}/+" for place in PLACES}


def _told(secret: str, text: bytes) -> bool:
    """Whether a text has a secret in any form in which it travels."""
    core = secret.removesuffix("/+")
    forms = {core, quote(core), base64.b64encode(f"user:{secret}".encode()).decode()}
    return any(form.encode() in text for form in forms)


async def _use(client: httpx.AsyncClient, planted: dict[str, str]) -> None:
    """Bring every secret to its place."""
    headers = {
        "Authorization": f"Bearer {planted['bearer']}",
        "X-Api-Key": planted["header"],
        "Cookie": f"session={planted['cookie']}",
        "Referer": f"http://elsewhere/?token={planted['referer']}",
        "baggage": f"session={quote(planted['baggage'])}",
        "User-Agent": f"shopper {planted['shop-key']}",
    }
    query = {"access_token": planted["query"], "page": planted["other-query"]}
    for path in (
        "books/7",
        "books/none",
        "nowhere",
        f"nowhere/{quote(planted['shop-key'], safe='')}",
        "refused",
        "broken",
    ):
        await client.get(f"/api/{path}", params=query, headers=headers)
    url = client.base_url.copy_with(username="user", password=planted["userinfo"], path="/api/books/7")
    assert (await client.get(url)).status_code == 200
    assert (await client.post("/api/orders", json={"title": planted["body"]})).status_code == 201
    assert (await client.post("/api/orders", json={"title": {"secret": planted["invalid-body"]}})).status_code == 422
    assert (await client.post("/api/parse", json={"title": [planted["parsed-body"]]})).status_code == 500
    called = {part: planted[f"called-{part}"] for part in ("query", "header", "body")}
    assert (await client.post("/api/call", json=called)).status_code >= 500
    socket_url = str(
        client.base_url.copy_with(scheme="ws", path="/api/talk", params={"token": planted["socket-query"]})
    )
    async with connect(socket_url) as socket:
        await socket.send(planted["socket-text"])
        assert await socket.recv() == planted["socket-text"]


@pytest.mark.parametrize("outcome", ["taken", "refused"])
async def test_no_planted_secret_is_told_anywhere(
    otlp_collector: OtlpCollector,
    planted: dict[str, str],
    outcome: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logging.getLogger("httpx"), "level", logging.WARNING)  # the callers' own log is not the subject
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"api-key={quote(planted['collector-key'])}")
    everything: dict[str, Any] = {"meter_config": {"pull": True}, "logs_config": {"exporter": "otlp", "level": "debug"}}
    elsewhere = {"http": {"elsewhere": {"url": otlp_collector.http_endpoint}}}
    app = build(telemetry_to(otlp_collector, **everything), shop_key=planted["shop-key"], dependencies=elsewhere)
    if outcome == "refused":
        otlp_collector.answer(401)
    async with served(app) as client:
        await _use(client, planted)
        pages = [(await client.get(path)).content for path in ("/api/v1/sys/health/components", "/metrics")]
    said = capfd.readouterr()
    called = [request for request in otlp_collector.requests if request.path.startswith("/orders")]
    exports = [request for request in otlp_collector.requests if request not in called]
    texts = {
        "the log": said.out.encode() + said.err.encode(),
        "the pages": b"".join(pages),
        **{f"{request.signal} {number}": request.body for number, request in enumerate(exports)},
    }
    told = [(place, where) for place, secret in planted.items() for where, text in texts.items() if _told(secret, text)]
    assert told == []
    assert {request.signal for request in exports} == {"traces", "metrics", "logs"}
    assert all(request.headers["api-key"] == planted["collector-key"] for request in exports)
    assert [request.body for request in called] == [planted["called-body"].encode()]
    if outcome == "taken":
        otlp_collector.assert_no_orphans()
        exceptions = [event for span in otlp_collector.spans for event in span.events if event.name == "exception"]
        assert {event.attributes["exception.type"] for event in exceptions} >= {"LookupError"}
