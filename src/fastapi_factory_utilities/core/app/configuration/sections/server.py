"""How the service is served: the section `server`."""

import re
from ipaddress import ip_network
from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from fastapi_factory_utilities.core.app.configuration.sections.rules import ExistingFile, Section
from fastapi_factory_utilities.core.rules import broken_rule

__all__ = ["ServerConfig"]

_HOST_NAME = re.compile(r"\*|(?:\*\.)?[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?|\[?[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*\]?")
_PEM_KEY_MARK = b"PRIVATE KEY-----"


def _names_host(host: str) -> str:
    if not _HOST_NAME.fullmatch(host):
        raise broken_rule("must be a name or an address without scheme and port, such as api.example, *.example or *")
    return host


def _names_proxies(proxies: str) -> str:
    """Refuse what uvicorn would take for the name of nobody: it believes nobody then, without a word."""
    for proxy in proxies.split(","):
        try:
            if proxies.strip() != "*":
                ip_network(proxy.strip())
        except ValueError:
            raise broken_rule(
                "must be addresses and networks of proxies, such as 10.0.0.7 or 10.0.0.0/8, comma-separated, or *"
            ) from None
    return proxies.strip()


HostName = Annotated[str, AfterValidator(_names_host)]
"""A host, without a port; `*.` before it is every name below."""


class ServerConfig(Section):
    """The section `server`."""

    host: str = Field(
        default="0.0.0.0",  # noqa: S104 - a container is reached from outside
        min_length=1,
        description="The address to listen on.",
    )
    port: int = Field(default=8000, ge=0, le=65535, description="The port to listen on; 0 takes a free one.")
    workers: int = Field(default=1, ge=1, description="The number of serving processes.")
    drain_seconds: float = Field(
        default=5.0, ge=0, description="How long requests are still served after SIGTERM, while readiness says no."
    )
    grace_seconds: float = Field(
        default=30.0, gt=0, description="How long stopping may take in all, the drain included."
    )
    startup_wait_seconds: float = Field(
        default=0.5, ge=0, description="How long the start waits for backends that have not answered yet."
    )
    access_log: bool = Field(default=True, description="Whether each request gets a log line.")
    max_body_bytes: int | None = Field(
        default=10 * 1024 * 1024,
        ge=0,
        description="The most that the body of a request may have; more is answered 413. null is no limit.",
    )
    max_header_bytes: int = Field(
        default=32 * 1024, ge=1024, description="The most that the head of a request may have; more is answered 431."
    )
    max_headers: int = Field(default=100, ge=10, description="The most headers of a request; more is answered 431.")
    max_message_bytes: int = Field(
        default=1024 * 1024, ge=1, description="The most that a WebSocket message may have; more closes it with 1009."
    )
    timeout_receive_seconds: float | None = Field(
        default=30.0,
        gt=0,
        description="How long the head of a request may take, and its body may pause; then 408. null is for ever.",
    )
    allowed_hosts: tuple[HostName, ...] = Field(
        default=(),
        description="The only hosts that are served, such as api.example or *.api.example; without any, all are.",
    )
    limit_concurrency: int | None = Field(
        default=None, ge=1, description="Connections and requests at a time, beyond which the answer is 503."
    )
    timeout_keep_alive_seconds: int = Field(
        default=5, ge=0, description="How long an idle connection is kept open for the next request."
    )
    forwarded_allow_ips: Annotated[str, AfterValidator(_names_proxies)] = Field(
        default="127.0.0.1",
        description="The proxies whose X-Forwarded-* headers are believed, comma-separated; * is all.",
    )
    ssl_certfile: ExistingFile | None = Field(
        default=None, description="The certificate chain (PEM) to serve TLS with; it may hold the key, too."
    )
    ssl_keyfile: ExistingFile | None = Field(default=None, description="The certificate's private key (PEM).")
    ssl_keyfile_password: SecretStr | None = Field(default=None, description="What the private key is encrypted with.")
    ssl_ca_certs: ExistingFile | None = Field(
        default=None, description="The authorities (PEM) that sign client certificates; without it none is asked for."
    )

    @property
    def stop_seconds(self) -> float:
        """The part of the grace period that is kept for stopping the plugins: a third of what the drain leaves."""
        return (self.grace_seconds - self.drain_seconds) / 3

    @model_validator(mode="after")
    def _drain_within_grace(self) -> Self:
        if self.drain_seconds >= self.grace_seconds:
            raise broken_rule("drain_seconds must be less than grace_seconds: requests have to finish after the drain")
        return self

    @model_validator(mode="after")
    def _certificate_with_key(self) -> Self:
        if self.ssl_certfile is None:
            given = [name for name in ("ssl_keyfile", "ssl_keyfile_password", "ssl_ca_certs") if getattr(self, name)]
            if given:
                raise broken_rule(f"{given[0]} has no effect without ssl_certfile: give the certificate as well")
        elif self.ssl_keyfile is None:
            try:
                has_key = _PEM_KEY_MARK in self.ssl_certfile.read_bytes()
            except OSError:
                raise broken_rule("ssl_certfile cannot be read: check its permissions") from None
            if not has_key:
                raise broken_rule("ssl_certfile holds no private key: give ssl_keyfile, or a PEM file with both")
        return self
