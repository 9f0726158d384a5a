"""Secrets that are planted in every field that may hold one are found nowhere that a service speaks.

The service of `shelf.py` runs as a process, at its most talkative: debug lines, traces, metrics, the development page.
"""

import base64
import importlib
import inspect
import json
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args
from urllib.parse import quote, urlsplit

import pytest
import trustme
import yaml
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from pydantic import SecretBytes, SecretStr

import fastapi_factory_utilities.core as library
from fastapi_factory_utilities.core.frozen import FrozenModel
from fastapi_factory_utilities.core.plugins.config import PluginConfig
from fastapi_factory_utilities.testing import InMemoryBroker
from fastapi_factory_utilities.testing.otlp import OtlpCollector
from tests.integration.serving.service import Service

HERE = Path(__file__).parent
PLACES = {
    "AiopikaConfig.amqp_url": "canary-amqp-0d1f7",
    "ODMConfig.uri": "canary-mongo-5b2c8",
    "RedisConfig.url": "canary-redis-9a3e4",
    "RedisConfig.sentinel_password": "canary-sentinel-41d6",
    "OpenTelemetryConfig.headers": "canary-otlp-77fa0",
    "HttpServiceDependencyConfig.ssl_keyfile_password": "canary-client-key-2e9b",
    "ServerConfig.ssl_keyfile_password": "canary-server-key-c83d",
}
SENT = {
    "header": "canary-sent-header-1b",
    "query": "canary-sent-query-2c",
    "body": "canary-sent-body-3d",
    "cookie": "canary-sent-cookie-4e",
    "called": "canary-sent-call-5f",
    "poison": "canary-sent-poison-6a",
}
ABOUT = {"service_namespace": "canary", "service_name": "shelf", "description": "", "version": "1"}


def _holds_a_secret(annotation: Any) -> bool:
    return annotation in (SecretStr, SecretBytes) or any(_holds_a_secret(part) for part in get_args(annotation))


def test_every_field_of_a_configuration_that_holds_a_secret_is_planted_here() -> None:
    found = set()
    for module in pkgutil.walk_packages(library.__path__, f"{library.__name__}."):
        members = vars(importlib.import_module(module.name)).values()
        for kind in members:
            if inspect.isclass(kind) and issubclass(kind, FrozenModel | PluginConfig):
                found |= {f"{kind.__name__}.{name}" for name, field in kind.model_fields.items() if _told_by(field)}
    found.discard("SentinelConfig.password")
    assert found == set(PLACES), "plant it in PLACES and in the configuration below"


def _told_by(field: Any) -> bool:
    return _holds_a_secret(field.annotation)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the service, and a key that has a password."""
    here = tmp_path_factory.mktemp("canary")
    (here / "shelf.py").write_text((HERE / "shelf.py").read_text())
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    certificate.cert_chain_pems[0].write_to_path(here / "cert.pem")
    key = load_pem_private_key(certificate.private_key_pem.bytes(), password=None)
    password = PLACES["HttpServiceDependencyConfig.ssl_keyfile_password"].encode()
    protection = BestAvailableEncryption(password)
    (here / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection))
    return here


def configuration(folder: Path, *, mongo: str, amqp: str, redis: str, collector: str) -> dict[str, Any]:
    """Return a configuration that has every secret; hosts are `host:port`."""
    return {
        "application": {**ABOUT, "environment": "development"},
        "development": {"debug": True},
        "logging_mode": "json",
        "logging": [{"name": "root", "level": "debug"}],
        "server": {"port": 0},
        "odm": {"uri": f"mongodb://user:{PLACES['ODMConfig.uri']}@{mongo}/?serverSelectionTimeoutMS=500"},
        "aiopika": {"amqp_url": f"amqp://user:{PLACES['AiopikaConfig.amqp_url']}@{amqp}/"},
        "redis": {
            "url": f"redis://user:{PLACES['RedisConfig.url']}@{redis}/0",
            "sentinel_password": PLACES["RedisConfig.sentinel_password"],
        },
        "opentelemetry": {
            "endpoint": collector,
            "headers": {"authorization": f"Bearer {PLACES['OpenTelemetryConfig.headers']}"},
            "meter_config": {"pull": True},
            "logs_config": {"exporter": "otlp", "level": "debug"},
        },
        "dependencies": {
            "http": {
                "elsewhere": {
                    "url": "https://localhost:9",
                    "ssl_certfile": str(folder / "cert.pem"),
                    "ssl_keyfile": str(folder / "key.pem"),
                    "ssl_keyfile_password": PLACES["HttpServiceDependencyConfig.ssl_keyfile_password"],
                    "retry": {"attempts": 2},
                }
            }
        },
    }


class Shelf(Service):
    """The service, as a process."""

    command = (sys.executable, "-m", "fastapi_factory_utilities", "serve", "shelf:AppBuilder")


def forms_of(secret: str) -> set[bytes]:
    """Return the forms in which a secret travels."""
    encoded = {base64.b64encode(f"{user}{secret}".encode()).decode().rstrip("=") for user in ("", "user:", "\0user\0")}
    return {form.encode() for form in {secret, quote(secret, safe=""), secret.encode().hex(), secret[::-1], *encoded}}


def told(texts: dict[str, bytes]) -> list[tuple[str, str]]:
    """Return which secret is found where."""
    everything = {**PLACES, **SENT}
    return [
        (name, where)
        for name, secret in everything.items()
        for where, text in texts.items()
        if any(form in text for form in forms_of(secret))
    ]


def ask(
    service: Service, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> bytes:
    """Ask, and return status line, headers and body as they came."""
    import http.client  # noqa: PLC0415 - only here

    connection = http.client.HTTPConnection(*service.address, timeout=15)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return f"{response.status} {response.getheaders()}".encode() + response.read()
    finally:
        connection.close()


def use(service: Service) -> dict[str, bytes]:
    """Bring the service to say all it can, and return what it answered."""
    headers = {"Authorization": f"Bearer {SENT['header']}", "Cookie": f"session={SENT['cookie']}"}
    query = f"?token={SENT['query']}"
    answers = {
        path: ask(service, "GET", f"{path}{query}", None, headers)
        for path in ("/fails", "/logs", "/database", "/nowhere", f"/call?token={SENT['called']}&x=")
    }
    wrong = json.dumps({"number": {"password": SENT["body"]}}).encode()
    json_type = {"Content-Type": "application/json"}
    answers["422"] = ask(service, "POST", "/items", wrong, headers | json_type)
    answers["400"] = ask(service, "POST", "/items", b'{"number": ' + SENT["body"].encode(), headers | json_type)
    answers["item"] = ask(service, "POST", "/items", b'{"number": 1}', headers | json_type)
    for path in ("health", "health/components", "readiness", "liveness", "startup"):
        answers[path] = ask(service, "GET", f"/api/v1/sys/{path}")
    for path in ("/metrics", "/openapi.json", "/docs", "/_dev", "/_dev/", "/_dev/service.json", "/_dev/requests.json"):
        answers[path] = ask(service, "GET", path)
    listed = answers["/_dev/requests.json"].partition(b"{")
    for found in json.loads(listed[1] + listed[2]).get("requests", []):
        answers[f"dev {found}"] = ask(service, "GET", f"/_dev/requests/{found.get('trace_id', found.get('id'))}.json")
    return answers


@pytest.fixture
def broker() -> Iterator[InMemoryBroker]:
    with InMemoryBroker() as running:
        yield running


def write(folder: Path, content: dict[str, Any]) -> None:
    (folder / "application.yaml").write_text(yaml.safe_dump(content))


@pytest.mark.parametrize("backends", ["away", "there"])
def test_no_planted_secret_is_told_by_a_running_service(
    folder: Path, backends: str, broker: InMemoryBroker, otlp_collector: OtlpCollector, redis_uri: str, mongo_uri: str
) -> None:
    places = {"mongo": "127.0.0.1:9", "amqp": "127.0.0.1:9", "redis": "127.0.0.1:9"}
    if backends == "there":  # they want no password, or another one: that is what the drivers then talk about
        places = {
            "mongo": mongo_uri.removeprefix("mongodb://").partition("/")[0].rpartition("@")[2],
            "amqp": f"127.0.0.1:{broker.port}",
            "redis": urlsplit(redis_uri).netloc.rpartition("@")[2],
        }
    write(folder, configuration(folder, **places, collector=otlp_collector.http_endpoint))
    with Shelf(folder) as service:
        service.wait_for("listening")
        if backends == "there":
            deadline = service.wait_until("/api/v1/sys/liveness", 200, seconds=10)
            assert deadline is not None
            _poison(broker)
        answers = use(service)
        assert service.end() in (0, 1)
        texts = {**answers, "the log": service.output.read_bytes()}
    for number, request in enumerate(otlp_collector.requests):
        texts[f"{request.signal} {number}"] = request.body
    assert {request.signal for request in otlp_collector.requests} == {"traces", "metrics", "logs"}
    assert service.events("connecting"), "the debug lines are there, masked"
    assert b"LookupError" in texts["the log"] or backends == "away"
    assert told(texts) == []


def _poison(broker: InMemoryBroker) -> None:
    """Publish what the listener cannot read, as another program would."""
    import asyncio  # noqa: PLC0415 - only here
    import time  # noqa: PLC0415 - likewise

    import aio_pika  # noqa: PLC0415 - likewise

    async def publish() -> None:
        async with await aio_pika.connect(broker.url) as connection:
            channel = await connection.channel()
            for body in (
                SENT["poison"].encode(),
                json.dumps({"number": SENT["poison"]}).encode(),
                json.dumps({"number": 1, SENT["poison"]: 1}).encode(),
                b"\xff" + SENT["poison"].encode(),
            ):
                await channel.default_exchange.publish(aio_pika.Message(body), "shelf.items")

    deadline = time.monotonic() + 15
    while "shelf.items" not in {queue.name for queue in broker.queues()}:
        assert time.monotonic() < deadline, "the listener did not declare its queue"
        time.sleep(0.05)
    asyncio.run(publish())


WRONG: dict[str, dict[str, Any]] = {
    "uri without a host": {"odm": {"uri": f"mongodb://user:{PLACES['ODMConfig.uri']}@"}},
    "uri of another kind": {"odm": {"uri": f"{PLACES['ODMConfig.uri']}"}},
    "uri that is a list": {"odm": {"uri": [f"mongodb://user:{PLACES['ODMConfig.uri']}@h"]}},
    "option": {"odm": {"uri": f"mongodb://user:{PLACES['ODMConfig.uri']}@h/?nonsense=1&timeoutMS=x"}},
    "amqp": {"aiopika": {"amqp_url": f"http://user:{PLACES['AiopikaConfig.amqp_url']}@h"}},
    "amqp port": {"aiopika": {"amqp_url": f"amqp://user:{PLACES['AiopikaConfig.amqp_url']}@h:port/"}},
    "redis": {"redis": {"url": f"http://user:{PLACES['RedisConfig.url']}@h"}},
    "redis database": {"redis": {"url": f"redis://user:{PLACES['RedisConfig.url']}@h/x"}},
    "sentinel": {"redis": {"sentinel_password": [PLACES["RedisConfig.sentinel_password"]]}},
    "headers": {"opentelemetry": {"headers": [PLACES["OpenTelemetryConfig.headers"]]}},
    "unknown key": {"odm": {"uri": f"mongodb://user:{PLACES['ODMConfig.uri']}@h", "urj": PLACES["ODMConfig.uri"]}},
    "client key": {
        "dependencies": {
            "http": {
                "elsewhere": {
                    "ssl_keyfile_password": [PLACES["HttpServiceDependencyConfig.ssl_keyfile_password"]],
                }
            }
        }
    },
    "server key": {
        "server": {
            "ssl_certfile": "cert.pem",
            "ssl_keyfile": "key.pem",
            "ssl_keyfile_password": PLACES["ServerConfig.ssl_keyfile_password"],
        }
    },
}


ACTIONS = ("show", "check")


def _merged(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    return {
        **base,
        **{
            key: _merged(base.get(key, {}), value) if isinstance(value, dict) else value
            for key, value in change.items()
        },
    }


@pytest.mark.parametrize("wrong", WRONG)
def test_no_planted_secret_is_told_by_a_service_that_cannot_start(folder: Path, wrong: str) -> None:
    good = configuration(folder, mongo="h:1", amqp="h:1", redis="h:1", collector="http://127.0.0.1:9")
    write(folder, _merged(good, WRONG[wrong]))
    done = ffu(folder, "serve")
    assert done.returncode not in (0, None)
    said = done.stdout + done.stderr
    assert told({"serve": said}) == []
    assert b"Traceback" not in said or wrong == "server key"


def ffu(folder: Path, *command: str) -> "subprocess.CompletedProcess[bytes]":
    arguments = [sys.executable, "-m", "fastapi_factory_utilities", *command, "shelf:AppBuilder"]
    return subprocess.run(arguments, cwd=folder, capture_output=True, check=False, timeout=60)


def test_no_planted_secret_is_told_by_the_command_line(folder: Path) -> None:
    write(folder, configuration(folder, mongo="h:1", amqp="h:1", redis="h:1", collector="http://127.0.0.1:9"))
    texts = {action: (done := ffu(folder, "config", action)).stdout + done.stderr for action in ("show", "schema")}
    assert b"odm.uri" in texts["show"]
    broken = configuration(folder, mongo="h:1", amqp="h:1", redis="h:1", collector="http://127.0.0.1:9")
    for change in WRONG.values():
        broken = _merged(broken, change)
    write(folder, broken)
    texts |= {f"{action}, broken": (done := ffu(folder, "config", action)).stdout + done.stderr for action in ACTIONS}
    assert b"aiopika.amqp_url" in texts["check, broken"]
    assert told(texts) == []


def test_the_search_finds_what_is_there() -> None:
    secret = PLACES["ODMConfig.uri"]
    for text in (secret, f"mongodb://user:{secret}@h", base64.b64encode(f"user:{secret}".encode()).decode()):
        assert told({"somewhere": text.encode()}) == [("ODMConfig.uri", "somewhere")]
    assert not told({"somewhere": b"mongodb://user:***@h"})
