"""What Kratos is told about somebody (`createIdentityBody`, `updateIdentityBody` of Ory's OpenAPI document)."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, SecretStr

__all__ = ["credentials_body", "identity_body"]


def identity_body(
    traits: Mapping[str, Any] | BaseModel,
    schema_id: str,
    state: str,
    external_id: str | None,
    metadata_public: Mapping[str, Any] | None,
    metadata_admin: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Return the part that is no secret; what is `None` is left out."""
    if isinstance(traits, BaseModel):
        traits = traits.model_dump(mode="json", by_alias=True, exclude_none=True)
    optional = {"external_id": external_id, "metadata_public": metadata_public, "metadata_admin": metadata_admin}
    return {"traits": dict(traits), "schema_id": schema_id, "state": state} | {
        name: value for name, value in optional.items() if value is not None
    }


def credentials_body(
    credentials: Mapping[str, Any] | None, password: SecretStr | None, hashed_password: SecretStr | None
) -> dict[str, Any]:
    """Return the part that is secret; nothing if nothing is given."""
    given = dict(credentials or {})
    secrets = {"password": password, "hashed_password": hashed_password}
    config = {name: value.get_secret_value() for name, value in secrets.items() if value is not None}
    if config:
        given["password"] = {"config": config}
    return {"credentials": given} if given else {}
