"""What belongs to one request alone."""

from typing import Any
from uuid import uuid4

import pytest

from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.server.attributes import RequestAttributes
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.server.methods import known_methods
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.server.queries import without_values
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin.tracing.attributes import (
    NO_ATTRIBUTES,
    SharedAttributes,
)
from fastapi_factory_utilities.core.redaction import register_secrets


def attributes(headers: list[tuple[bytes, bytes]], **extra: Any) -> dict[str, Any]:
    shared, own = RequestAttributes().of({"path": "/", "headers": headers, "scheme": "http", **extra}, NO_ATTRIBUTES)
    return shared | own


def test_what_is_remembered_of_a_caller_is_told_of_no_other_and_hides_what_became_a_secret() -> None:
    seen = RequestAttributes()
    found, missing = SharedAttributes({"status": 200}), SharedAttributes({"status": 404})
    secret = f"curl {uuid4().hex}"

    def ask(agent: str, address: str, port: int = 50_000, common: SharedAttributes = found) -> dict[str, Any]:
        headers = [(b"host", b"library.test"), (b"user-agent", agent.encode())]
        shared, own = seen.of({"path": "/", "headers": headers, "client": (address, port)}, common)
        assert set(own) == ({"url.path", "network.peer.port"} if port else {"url.path"})
        return shared | own

    first = ask(secret, "10.0.0.1")
    assert first["user_agent.original"] == secret
    assert ask(secret, "10.0.0.1", 50_001) == first | {"network.peer.port": 50_001}
    assert ask("wget", "10.0.0.1")["user_agent.original"] == "wget"
    assert ask(secret, "10.0.0.2")["network.peer.address"] == "10.0.0.2"
    assert "network.peer.address" not in ask(secret, "10.0.0.1", 0)
    assert ask(secret, "10.0.0.1", common=missing)["status"] == 404
    register_secrets([secret])
    assert secret not in str(ask(secret, "10.0.0.1"))


@pytest.mark.parametrize(
    ("host", "scheme", "told"),
    [
        (b"library.test", "http", ("library.test", 80)),
        (b"library.test", "https", ("library.test", 443)),
        (b"library.test", "wss", ("library.test", 443)),
        (b"library.test:8443", "https", ("library.test", 8443)),
        (b"[2001:db8::1]", "http", ("2001:db8::1", 80)),
        (b"[2001:db8::1]:8000", "http", ("2001:db8::1", 8000)),
        (b"user:pa55word@library.test:8000", "http", ("library.test", 8000)),
        (b"library.test:99999", "http", ("library.test", 80)),
        (b"library.test:x", "http", ("library.test", 80)),
        (b":80", "http", (None, None)),
        (b"x" * 300, "http", (None, None)),
        (b"", "http", ("10.0.0.1", 8000)),
    ],
)
def test_a_host_is_told_with_its_port_and_without_credentials(host: bytes, scheme: str, told: Any) -> None:
    found = attributes([(b"host", host)], scheme=scheme, server=("10.0.0.1", 8000))

    assert (found.get("server.address"), found.get("server.port")) == told


@pytest.mark.parametrize("server", [None, ("/run/library.sock", None)])
def test_behind_a_unix_socket_nothing_is_made_up(server: Any) -> None:
    assert attributes([], server=server, client=None) == {"url.path": "/"}


def test_a_client_that_a_proxy_names_is_not_the_peer() -> None:
    assert attributes([], client=("203.0.113.9", 0)) == {"url.path": "/", "client.address": "203.0.113.9"}


@pytest.mark.parametrize(
    ("query", "told"),
    [
        (b"a=1&b=2", "a=REDACTED&b=REDACTED"),
        (b"a=", "a=REDACTED"),
        (b"eyJhbGciOi.secret", "REDACTED"),
        (b"a=1=2&&", "a=REDACTED&REDACTED&REDACTED"),
        (b"=hidden", "=REDACTED"),
        (b"x" * 100 + b"=1", "x" * 64 + "=REDACTED"),
    ],
)
def test_no_value_of_a_query_is_told(query: bytes, told: str) -> None:
    assert without_values(query) == told


def test_what_is_long_is_cut() -> None:
    found = attributes([(b"user-agent", b"u" * 5000)], path="/" + "p" * 5000, query_string=b"&".join([b"q=1"] * 500))

    assert (len(found["url.path"]), len(found["user_agent.original"])) == (1000, 1000)
    assert found["url.query"] == "&".join(["q=REDACTED"] * 32 + ["..."])


def test_the_environment_may_name_the_methods() -> None:
    assert "PATCH" in known_methods({})
    assert known_methods({"OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS": "GET, PURGE"}) == {"GET", "PURGE"}
