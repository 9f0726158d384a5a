"""The section `jwt`."""

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from fastapi_factory_utilities.core.plugins.config import PluginConfig
from fastapi_factory_utilities.core.rules import broken_rule
from fastapi_factory_utilities.core.security.jwt.config import JWTBearerAuthenticationConfig
from fastapi_factory_utilities.core.security.jwt.sources.config import KeySourceConfig

__all__ = ["JWTIssuerConfig", "JWTPluginConfig"]


class JWTIssuerConfig(KeySourceConfig, JWTBearerAuthenticationConfig):
    """An entry of `jwt.issuers`: where an issuer's keys are, and which of its tokens are accepted.

    `authorized_issuers` is the one issuer, and is left out.
    """

    @model_validator(mode="before")
    @classmethod
    def _its_own_tokens(cls, entry: Any) -> Any:  # noqa: ANN401 - whatever is validated
        if not isinstance(entry, Mapping) or not isinstance(entry.get("issuer"), str):
            return entry
        given = entry.get("authorized_issuers", entry["issuer"])
        if given not in (entry["issuer"], [entry["issuer"]], (entry["issuer"],)):
            raise broken_rule("authorized_issuers must be left out here: give each issuer an entry of its own")
        # Not a text, which would be split where it has commas.
        return {**entry, "authorized_issuers": [entry["issuer"]]}


def _each_once(issuers: dict[str, JWTIssuerConfig]) -> dict[str, JWTIssuerConfig]:
    times = Counter(entry.issuer for entry in issuers.values())
    twice = [name for name, entry in issuers.items() if times[entry.issuer] > 1]
    if twice:
        raise broken_rule(
            f"{' and '.join(twice)} have the same issuer: keep one, and name further services in its "
            f"authorized_audiences"
        )
    return issuers


class JWTPluginConfig(PluginConfig):
    """The section `jwt`."""

    issuers: Annotated[dict[str, JWTIssuerConfig], AfterValidator(_each_once)] = Field(
        min_length=1, description="Whose tokens are accepted, by the name the code knows them by."
    )
