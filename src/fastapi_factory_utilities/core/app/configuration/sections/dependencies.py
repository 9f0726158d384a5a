"""The external services that an application uses: the section `dependencies` (FR6)."""

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from fastapi_factory_utilities.core.app.configuration.sections.resilience import (
    HttpBreakerConfig,
    HttpConcurrencyConfig,
    HttpRateConfig,
    HttpRetryConfig,
    HttpTimeoutConfig,
)
from fastapi_factory_utilities.core.app.configuration.sections.rules import ExistingFile, Section
from fastapi_factory_utilities.core.rules import broken_rule

__all__ = ["DependencyConfig", "HttpServiceDependencyConfig"]


def _is_http_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid or any(character.isspace() for character in url):
        raise broken_rule("must be a URL such as https://service.example:8443/path")
    return url


_SHORTHANDS = ("kratos_public", "kratos_admin", "hydra_public", "hydra_admin")


class HttpServiceDependencyConfig(Section):
    """An entry of `dependencies.http`: one service that is called over HTTP."""

    url: Annotated[str, AfterValidator(_is_http_url)] = Field(description="Where the service is.")
    limit: int = Field(default=100, ge=0, description="Connections at a time; 0 is no limit.")
    limit_per_host: int = Field(default=0, ge=0, description="Connections at a time to one host; 0 is no limit.")
    use_dns_cache: bool = Field(default=True, description="Whether resolved addresses are remembered.")
    ttl_dns_cache: int | None = Field(
        default=10, ge=0, description="Seconds for which resolved addresses are remembered; null is for ever."
    )
    verify_ssl: bool = Field(default=True, description="Whether the service's certificate is checked.")
    ssl_ca_path: ExistingFile | None = Field(
        default=None, description="The authorities (PEM) that its certificate is checked against."
    )
    ssl_certfile: ExistingFile | None = Field(default=None, description="The client certificate (PEM) to present.")
    ssl_keyfile: ExistingFile | None = Field(default=None, description="The client certificate's private key (PEM).")
    ssl_keyfile_password: SecretStr | None = Field(default=None, description="What the private key is encrypted with.")
    graceful_shutdown_timeout: float = Field(
        default=10.0, ge=0, description="Seconds that calls in flight get when the application stops."
    )
    timeout: HttpTimeoutConfig = Field(default_factory=HttpTimeoutConfig, description="How long calls may take.")
    retry: HttpRetryConfig = Field(default_factory=HttpRetryConfig, description="Which calls are made again.")
    breaker: HttpBreakerConfig = Field(
        default_factory=HttpBreakerConfig, description="When a failing service is left alone."
    )
    concurrency: HttpConcurrencyConfig = Field(
        default_factory=HttpConcurrencyConfig, description="How many calls are in flight."
    )
    rate: HttpRateConfig = Field(default_factory=HttpRateConfig, description="How many calls are begun in a second.")
    deadline_header: str | None = Field(
        default="X-Request-Timeout-Ms",
        pattern=r"^[A-Za-z0-9-]+$",
        description="The header that tells the service how many milliseconds the caller will wait; null sends none.",
    )

    @model_validator(mode="after")
    def _key_with_certificate(self) -> Self:
        if self.ssl_keyfile is not None and self.ssl_certfile is None:
            raise broken_rule("ssl_keyfile has no effect without ssl_certfile: give the certificate as well")
        return self

    @model_validator(mode="after")
    def _window_holds_attempts(self) -> Self:
        if self.breaker.enabled and self.breaker.window_seconds < 2 * self.timeout.attempt_seconds:
            raise broken_rule(
                "breaker.window_seconds must be at least twice timeout.attempt_seconds: attempts that run into their "
                "timeout would be forgotten before they are counted together"
            )
        return self


class DependencyConfig(Section):
    """The section `dependencies`; extend it for kinds of your own."""

    http: dict[str, HttpServiceDependencyConfig] = Field(
        default_factory=dict, description="Services that are called over HTTP, by the name the code knows them by."
    )
    kratos_public: HttpServiceDependencyConfig | None = Field(default=None, description="Ory Kratos' public API.")
    kratos_admin: HttpServiceDependencyConfig | None = Field(default=None, description="Ory Kratos' admin API.")
    hydra_public: HttpServiceDependencyConfig | None = Field(default=None, description="Ory Hydra's public API.")
    hydra_admin: HttpServiceDependencyConfig | None = Field(default=None, description="Ory Hydra's admin API.")

    @model_validator(mode="after")
    def _each_name_once(self) -> Self:
        for name in _SHORTHANDS:
            if name in self.http and getattr(self, name) is not None:
                raise broken_rule(f"{name} is there twice, as it is and below http: keep one of them")
        return self

    def http_services(self) -> dict[str, HttpServiceDependencyConfig]:
        """Return every service that is called over HTTP by its name, the shorthands included."""
        shorthands = {name: getattr(self, name) for name in _SHORTHANDS}
        return {**self.http, **{name: config for name, config in shorthands.items() if config is not None}}
