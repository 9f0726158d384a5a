"""The section `odm`."""

import re
from typing import Annotated, Any, Final, Self
from urllib.parse import parse_qsl, unquote

from pydantic import AfterValidator, Field, SecretStr, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from fastapi_factory_utilities.core.plugins.config import ConnectionConfig

__all__ = ["ODMConfig"]

# What MongoDB allows on every platform (Naming Restrictions in its manual).
_DATABASE_NAME: Final = r'^[^/\\. "$*<>:|?\x00]+$'
_SCHEMES: Final = ("mongodb://", "mongodb+srv://")
_PATH: Final = re.compile(r"^mongodb(?:\+srv)?://[^/?]*/(?P<database>[^?]*)")
_DEFAULT_DATABASE: Final = "test"


def _check_uri(uri: SecretStr) -> SecretStr:
    """Refuse a URI that the driver would refuse, without ever showing it."""
    text = uri.get_secret_value()
    if not text.startswith(_SCHEMES):
        raise PydanticCustomError("mongodb_uri", "must begin with mongodb:// or mongodb+srv://")
    if text.startswith(_SCHEMES[1]):
        # The driver would ask DNS for such a host; that is for the connection to do.
        return uri
    try:
        from pymongo.uri_parser import parse_uri  # noqa: PLC0415 - the section must be readable without the extra
    except ImportError:
        return uri
    address, _, options = text.partition("?")
    if _is_refused(parse_uri, address) or "@" in options:
        raise PydanticCustomError(
            "mongodb_uri",
            "must be a MongoDB URI such as mongodb://user:password@host:27017/database, with : / ? # [ ] @ in user and "
            "password percent-encoded",
        )
    if options and _is_refused(parse_uri, text):
        refused = [
            name for name, _ in parse_qsl(options) if _is_refused(parse_uri, f"{address}?{_option(options, name)}")
        ]
        raise PydanticCustomError(
            "mongodb_uri",
            "has options after the ? that the driver refuses: {names}",
            {"names": ", ".join(refused) or "they do not go together"},
        )
    return uri


def _is_refused(parse_uri: Any, text: str) -> bool:  # noqa: ANN401 - the driver's function
    try:
        parse_uri(text)
    except Exception:  # noqa: BLE001 - the driver's many errors quote the URI
        return True
    return False


def _option(options: str, name: str) -> str:
    return next(option for option in options.split("&") if unquote(option.partition("=")[0]) == name)


def _database_of_uri(data: dict[str, Any]) -> str:
    """The database that the URI names; `test` when it names none."""
    uri = data.get("uri")
    found = _PATH.match(uri.get_secret_value()) if isinstance(uri, SecretStr) else None
    return (unquote(found["database"]) if found else "") or _DEFAULT_DATABASE


class ODMConfig(ConnectionConfig):
    """The section `odm`: where MongoDB is, and how patient we are with it."""

    uri: Annotated[SecretStr, AfterValidator(_check_uri)] = Field(
        description="MongoDB's URI, such as mongodb://user:password@host:27017; a replica set's has several hosts."
    )
    database: Annotated[str, StringConstraints(min_length=1, max_length=63, pattern=_DATABASE_NAME)] = Field(
        default_factory=_database_of_uri,
        description="The database of the documents; by default the one that the URI names, or test.",
    )
    connection_timeout_ms: int = Field(default=4000, ge=1, description="How long a connection may take to be made.")
    operation_timeout_ms: int = Field(
        default=3000, ge=1, description="How long an operation may take in all, waiting for a server included."
    )
    min_pool_size: int = Field(default=0, ge=0, description="Connections that are kept open.")
    max_pool_size: int = Field(default=100, ge=1, description="Connections at most.")

    @model_validator(mode="after")
    def _pool_is_the_right_way_up(self) -> Self:
        if self.min_pool_size > self.max_pool_size:
            raise PydanticCustomError("pool_size", "min_pool_size must not be more than max_pool_size")
        return self

    def client_options(self) -> dict[str, Any]:
        """Return the driver's options; one that the URI has is left to the URI, unless the section has it, too."""
        keys = {
            "connection_timeout_ms": ("connectTimeoutMS", "serverSelectionTimeoutMS"),
            "operation_timeout_ms": ("timeoutMS",),
            "min_pool_size": ("minPoolSize",),
            "max_pool_size": ("maxPoolSize",),
        }
        in_uri = {name.lower() for name, _ in parse_qsl(self.uri.get_secret_value().partition("?")[2])}
        return {
            option: getattr(self, key)
            for key, options in keys.items()
            for option in options
            if key in self.model_fields_set or option.lower() not in in_uri
        }
