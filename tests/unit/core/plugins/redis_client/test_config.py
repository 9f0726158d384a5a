from typing import Any

import pytest
from pydantic import ValidationError

from fastapi_factory_utilities.core.plugins.redis_client import RedisConfig

CANARY = "planted-secret"


def config(**values: Any) -> RedisConfig:
    return RedisConfig.model_validate(values)


def test_the_defaults_give_up_soon() -> None:
    defaults = config(url="redis://host")
    assert (defaults.connection_timeout_ms, defaults.operation_timeout_ms, defaults.max_connections) == (1000, 2000, 50)
    assert (defaults.enabled, defaults.required) == (True, True)


@pytest.mark.parametrize(
    "url",
    [
        "redis://host",
        "redis://host:6380/15",
        "redis://host/",
        "redis://:p%2Fx@[::1]:6379/0",
        "rediss://user:secret@host/2?ssl_ca_certs=/etc/ca.pem&ssl_check_hostname=false",
        "unix:///run/redis.sock",
        "unix://user:secret@/run/redis.sock?db=3",
    ],
)
def test_every_form_of_a_url_is_taken_and_never_shown(url: str) -> None:
    taken = config(url=url)
    assert taken.url is not None
    assert taken.url.get_secret_value() == url
    assert "secret" not in repr(taken)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (CANARY, "must be redis://"),
        (f"http://u:{CANARY}@host", "must be redis://"),
        (f"redis://u:{CANARY}@", "must be redis://"),
        (f"redis://u:{CANARY}/x@host", "must be redis://"),
        (f"redis://u:{CANARY}#x@host", "must be redis://"),
        (f"redis://host:{CANARY}", "must be redis://"),
        (f"redis://[{CANARY}", "must be redis://"),
        (f"redis://host/{CANARY}", "must be redis://"),
        (f"unix://u:{CANARY}@", "must be redis://"),
        (f"redis://host?socket_timeout=1&x={CANARY}", "may have no options after the . but db, ssl_ca_certs"),
        (f"redis://host?db={CANARY}", "may have no options"),
    ],
)
def test_a_bad_url_is_refused_without_being_quoted(url: str, says: str) -> None:
    with pytest.raises(ValidationError, match=says) as caught:
        config(url=url)
    assert CANARY not in str(caught.value).replace(f"input_value='{CANARY}'", "")


def test_somewhere_it_must_be_unless_it_is_disabled() -> None:
    with pytest.raises(ValidationError, match=r"needs url, such as .* or sentinels"):
        config()
    assert not config(enabled=False).enabled


def test_sentinels_and_the_name_of_their_service_need_each_other() -> None:
    assert config(sentinels=["one:26379", "[::1]:26379"], sentinel_service="main").sentinels[1] == "[::1]:26379"
    for lonely in ({"sentinels": ["one:26379"]}, {"url": "redis://host", "sentinel_service": "main"}):
        with pytest.raises(ValidationError, match="need each other"):
            config(**lonely)
    with pytest.raises(ValidationError, match="cannot be unix"):
        config(url="unix:///run/redis.sock", sentinels=["one:26379"], sentinel_service="main")
    for wrong in ("one", "one:", "one:port", "u:p@one:1", "::1:26379"):
        with pytest.raises(ValidationError, match=r"sentinels\.0"):
            config(sentinels=[wrong], sentinel_service="main")
