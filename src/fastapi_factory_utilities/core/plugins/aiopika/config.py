"""The section `aiopika`."""

import re
from typing import Annotated, Final, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError

from fastapi_factory_utilities.core.plugins.config import ConnectionConfig

__all__ = ["AiopikaConfig"]

_URL: Final = re.compile(
    r"^(?P<scheme>amqps?)://(?:(?P<user>[^/@]*)@)?(?P<hosts>[^/@?#]+)(?P<rest>(?:/[^?#@]*)?(?:\?[^#]*)?)$"
)
_LARGEST_PORT: Final = 65535


def _check_url(url: SecretStr) -> SecretStr:
    """Refuse a URL that the driver would refuse or misread, without ever showing it."""
    found = _URL.match(url.get_secret_value())
    if found is None:
        raise PydanticCustomError(
            "amqp_url",
            "must be a URL such as amqp://user:password@host:5672/vhost, or amqps://..., with : / ? # [ ] @ in user "
            "and password percent-encoded",
        )
    if not all(_is_host(host) for host in found["hosts"].split(",")):
        raise PydanticCustomError(
            "amqp_url", "must name each host as host or host:port, with commas between several: a:5672,b:5672"
        )
    path = found["rest"].partition("?")[0]
    if path.count("/") > 1 and path != "//":
        raise PydanticCustomError("amqp_url", "must have one virtual host after the hosts, with / in it written as %2F")
    return url


def _is_host(text: str) -> bool:
    try:
        parts = urlsplit(f"//{text}")
        port = parts.port
    except ValueError:
        return False
    return bool(parts.hostname) and (port is None or 0 < port <= _LARGEST_PORT) and not text.endswith(":")


class AiopikaConfig(ConnectionConfig):
    """The section `aiopika`: where RabbitMQ is, and how patient we are with it."""

    amqp_url: Annotated[SecretStr, AfterValidator(_check_url)] = Field(
        description="RabbitMQ's URL, such as amqp://user:password@host:5672/vhost; a cluster's has several hosts, with "
        "commas between: amqp://user:password@a:5672,b:5672,c:5672/vhost."
    )
    connection_name: str | None = Field(
        default=None, description="What the connection is called on the broker; by default the service's name."
    )
    heartbeat_seconds: int = Field(
        default=10, ge=0, le=65535, description="After how long without a word the line counts as dead; 0: never."
    )
    connection_timeout_seconds: float = Field(
        default=3.0, gt=0, description="How long one attempt to connect to one host may take."
    )
    reconnect_base_seconds: float = Field(
        default=0.1,
        gt=0,
        description="The first pause between attempts to connect; each is twice as long, with jitter.",
    )
    reconnect_max_seconds: float = Field(
        default=1.0, gt=0, description="The longest pause between attempts to connect."
    )
    publish_timeout_seconds: float = Field(
        default=5.0, gt=0, description="How long a publish may take, waiting for a connection included."
    )
    max_unconfirmed: int = Field(
        default=1000, ge=1, description="Messages of one exchange on their way at once; further ones wait for these."
    )
    prefetch_count: int = Field(
        default=16, ge=1, le=65535, description="Messages a listener holds at once, unless it says otherwise."
    )

    @model_validator(mode="after")
    def _pauses_are_the_right_way_up(self) -> Self:
        if self.reconnect_base_seconds > self.reconnect_max_seconds:
            raise PydanticCustomError("pauses", "reconnect_base_seconds must not be more than reconnect_max_seconds")
        return self

    def urls(self) -> list[SecretStr]:
        """Return one URL for each host, with the section's options; one that the URL has is left to the URL."""
        text = self.amqp_url.get_secret_value()
        found = _URL.match(text)
        assert found is not None  # noqa: S101 - the field's validator has seen it
        path, _, query = found["rest"].partition("?")
        options = query
        in_url = {name for name, _ in parse_qsl(query, keep_blank_values=True)}
        if "heartbeat" not in in_url or "heartbeat_seconds" in self.model_fields_set:
            kept = [part for part in query.split("&") if part and unquote(part.partition("=")[0]) != "heartbeat"]
            options = "&".join([*kept, f"heartbeat={self.heartbeat_seconds}"])
        user = f"{found['user']}@" if found["user"] else ""
        return [SecretStr(f"{found['scheme']}://{user}{host}{path}?{options}") for host in found["hosts"].split(",")]
