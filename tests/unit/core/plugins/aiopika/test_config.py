from typing import Any

import pytest
from aio_pika import Connection
from pydantic import ValidationError

from fastapi_factory_utilities.core.plugins.aiopika import AiopikaConfig
from fastapi_factory_utilities.core.plugins.aiopika.line import Line

CANARY = "planted-secret"


def config(url: str = "amqp://host", **values: Any) -> AiopikaConfig:
    return AiopikaConfig.model_validate({"amqp_url": url, **values})


def urls(url: str, **values: Any) -> list[str]:
    return [each.get_secret_value() for each in config(url, **values).urls()]


def test_only_the_url_is_required() -> None:
    assert AiopikaConfig.model_fields["amqp_url"].is_required()
    defaults = config()
    assert (defaults.enabled, defaults.required) == (True, True)
    assert defaults.publish_timeout_seconds == 5


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (CANARY, "must be a URL such as amqp://"),
        (f"http://u:{CANARY}@host", "must be a URL such as amqp://"),
        (f"amqp://u:{CANARY}@", "must be a URL such as amqp://"),
        (f"amqp://u:{CANARY}@/vhost", "must be a URL such as amqp://"),
        (f"amqp://u:{CANARY}@x@host", "must be a URL such as amqp://"),
        (f"amqp://u:{CANARY}/x@host", "must be a URL such as amqp://"),
        (f"amqp://u:p@host:{CANARY}", "host or host:port"),
        (f"amqp://u:{CANARY}@host:70000", "host or host:port"),
        (f"amqp://u:{CANARY}@host:", "host or host:port"),
        (f"amqp://u:{CANARY}@one,,two", "host or host:port"),
        (f"amqp://u:{CANARY}@host/a/b", "one virtual host"),
    ],
)
def test_a_bad_url_is_refused_without_being_quoted(url: str, says: str) -> None:
    with pytest.raises(ValidationError, match=says) as caught:
        config(url)
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["amqp://host/", "amqps://host//", "amqp://u@host/%2F", "amqp://u:p%40@[::1]:5672/v?x=1"]
)
def test_what_the_driver_takes_is_taken(url: str) -> None:
    assert len(urls(url)) == 1


def test_each_host_of_a_cluster_has_a_url_of_its_own() -> None:
    assert urls("amqps://u:p%2C@a:1,b,[::1]:3/books?cafile=ca.pem", heartbeat_seconds=7) == [
        "amqps://u:p%2C@a:1/books?cafile=ca.pem&heartbeat=7",
        "amqps://u:p%2C@b/books?cafile=ca.pem&heartbeat=7",
        "amqps://u:p%2C@[::1]:3/books?cafile=ca.pem&heartbeat=7",
    ]


def test_the_section_beats_the_url_and_the_url_beats_a_default() -> None:
    assert urls("amqp://host") == ["amqp://host?heartbeat=10"]
    assert urls("amqp://host?heartbeat=3") == ["amqp://host?heartbeat=3"]
    assert urls("amqp://host?heartbeat=3", heartbeat_seconds=5) == ["amqp://host?heartbeat=5"]


def test_pauses_must_be_the_right_way_up() -> None:
    with pytest.raises(ValidationError, match="must not be more than reconnect_max_seconds"):
        config(reconnect_base_seconds=3)


def test_no_configuration_shows_its_url() -> None:
    given = config(f"amqp://u:{CANARY}@host")
    assert CANARY not in f"{given!r} {given} {given.model_dump()} {given.urls()}"


async def test_a_line_knows_its_address_and_shows_no_password() -> None:
    (url,) = config(f"amqp://u:{CANARY}@host/books").urls()
    line = Line(url, "a name")
    assert isinstance(line, Connection)
    assert line.address == "host:5672"
    assert line.url.query["name"] == "a name"
    assert CANARY not in f"{line!r} {line}"
    await line.close()


async def test_the_port_of_tls_is_another() -> None:
    (url,) = config("amqps://host/books?name=given").urls()
    line = Line(url, "a name")
    assert line.address == "host:5671"
    assert line.url.query["name"] == "given"
    await line.close()
