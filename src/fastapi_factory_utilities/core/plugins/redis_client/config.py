"""The section `redis`."""

import re
from typing import Annotated, Final, Self
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from pydantic import AfterValidator, Field, SecretStr, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from fastapi_factory_utilities.core.plugins.config import ConnectionConfig

__all__ = ["RedisConfig"]

_SCHEMES: Final = ("redis", "rediss", "unix")
_EXAMPLE: Final = "redis://user:password@host:6379/0"
_DATABASE: Final = re.compile(r"/?\d{0,6}")
# What has no key of its own in the section: the driver takes it from here.
_OPTIONS: Final = {"db", "ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_check_hostname", "ssl_keyfile"}
# A name or an IPv4 address, or an IPv6 address in brackets, then a port.
_HOST_AND_PORT: Final = r"^(\[[0-9a-fA-F:.]+\]|[^\s\[\]:/@?#]+):[0-9]{1,5}$"


def _check_url(url: SecretStr) -> SecretStr:
    """Refuse a URL that the driver would refuse or misread, without ever showing it."""
    try:
        parts = urlsplit(url.get_secret_value())
        is_good = parts.scheme in _SCHEMES and not parts.fragment and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good or not (parts.path if parts.scheme == "unix" else _names_a_server(parts)):
        raise PydanticCustomError(
            "redis_url",
            "must be redis://, rediss:// or unix://, such as {example}, with : / ? # [ ] @ in user and password "
            "percent-encoded, and a database's number, if any, after the host",
            {"example": _EXAMPLE},
        )
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if not options.keys() <= _OPTIONS or not _DATABASE.fullmatch(options.get("db", "")):
        raise PydanticCustomError(
            "redis_url",
            "may have no options after the ? but {options}; timeouts and the pool have keys of their own",
            {"options": ", ".join(sorted(_OPTIONS))},
        )
    return url


def _names_a_server(parts: SplitResult) -> bool:
    return bool(parts.hostname) and _DATABASE.fullmatch(unquote(parts.path)) is not None


class RedisConfig(ConnectionConfig):
    """The section `redis`: where Redis is, and how patient we are with it.

    Either `url` alone, or `sentinels`, which know which server is the primary now.
    """

    url: Annotated[SecretStr, AfterValidator(_check_url)] | None = Field(
        default=None,
        description=f"Redis' URL, such as {_EXAMPLE}; rediss:// is TLS. With sentinels, its host is not used: user, "
        "password, database and TLS are those of the servers that the sentinels name.",
    )
    sentinels: tuple[Annotated[str, StringConstraints(pattern=_HOST_AND_PORT)], ...] = Field(
        default=(), description="The Sentinels, each host:port, instead of one server."
    )
    sentinel_service: str | None = Field(
        default=None, min_length=1, description="The name that the Sentinels know the primary by."
    )
    sentinel_username: str | None = Field(default=None, description="The user at the Sentinels themselves, if any.")
    sentinel_password: SecretStr | None = Field(
        default=None, description="The password at the Sentinels themselves, if any."
    )
    connection_timeout_ms: int = Field(default=1000, ge=1, description="How long a connection may take to be made.")
    operation_timeout_ms: int = Field(default=2000, ge=1, description="How long Redis may take to answer a command.")
    max_connections: int = Field(
        default=50, ge=1, description="Connections at most; a command waits for one as long as for an answer."
    )

    inbox_lease_seconds: float = Field(
        default=60.0, gt=0, description="How long a message is one consumer's: longer than its processing takes."
    )
    inbox_retention_seconds: float = Field(
        default=7 * 86_400.0,
        gt=0,
        description="How long a processed message is remembered: longer than it may be delivered again.",
    )

    @model_validator(mode="after")
    def _says_where_it_is(self) -> Self:
        if self.enabled and self.url is None and not self.sentinels:
            raise PydanticCustomError(
                "redis_place", "needs url, such as {example}, or sentinels", {"example": _EXAMPLE}
            )
        if bool(self.sentinels) != bool(self.sentinel_service):
            raise PydanticCustomError("redis_sentinel", "sentinels and sentinel_service need each other")
        if self.sentinels and self.url is not None and self.url.get_secret_value().startswith("unix:"):
            raise PydanticCustomError("redis_sentinel", "sentinels name servers on the network: url cannot be unix://")
        return self
