"""Which values are secret, and what to show in their place."""

from collections.abc import Iterator, Mapping, Set
from enum import Enum
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, SecretBytes, SecretStr

from fastapi_factory_utilities.core.redaction import REDACTED, is_secret_name, redact

__all__ = ["masked", "secret_values"]


def secret_values(config: BaseModel) -> frozenset[str]:
    """Give every secret in a configuration: the values of secret fields, and the passwords inside of URLs.

    Passwords are given as they are written in the URL and as they are meant, without percent-encoding.
    """
    return frozenset(secret for secret in _secrets(config) if secret)


def masked(value: Any, key: str = "") -> Any:  # noqa: ANN401 - any value of a configuration
    """Make a value fit to be shown: plain data, secrets replaced.

    Args:
        value: The value.
        key: Its key; what is called a password is treated as one.
    """
    if isinstance(value, BaseModel):
        value = {name: getattr(value, name, None) for name in type(value).model_fields}
    if isinstance(value, Mapping):
        return {str(name): masked(item, str(name)) for name, item in value.items()}
    if isinstance(value, list | tuple | Set):
        return [masked(item, key) for item in value]
    return _masked_scalar(value.value if isinstance(value, Enum) else value, is_secret=is_secret_name(key))


def _masked_scalar(value: Any, *, is_secret: bool) -> Any:  # noqa: ANN401 - any value of a configuration
    if isinstance(value, SecretStr | SecretBytes):
        return REDACTED if value.get_secret_value() else ""
    if value is None or value == "" or isinstance(value, bool):
        return value
    if is_secret:
        return REDACTED
    if isinstance(value, int | float):
        return value
    return f"{len(value)} bytes" if isinstance(value, bytes) else redact(str(value))


def _secrets(value: Any) -> Iterator[str]:  # noqa: ANN401 - any value of a configuration
    match value:
        case SecretStr():
            yield value.get_secret_value()
            yield from _passwords(value.get_secret_value())
        case SecretBytes():
            yield value.get_secret_value().decode(errors="replace")
        case BaseModel():
            for name in type(value).model_fields:
                yield from _secrets(getattr(value, name, None))
            yield from _secrets(value.model_extra or {})
        case Mapping():
            for item in value.values():
                yield from _secrets(item)
        case list() | tuple() | Set():
            for item in value:
                yield from _secrets(item)
        case None | bool() | int() | float():
            return
        case _:
            yield from _passwords(str(value))


def _passwords(text: str) -> Iterator[str]:
    """The password of a URL, raw and decoded."""
    if "://" not in text or "@" not in text:
        return
    try:
        password = urlsplit(text).password
    except ValueError:
        password = None
    if password:
        yield password
        yield unquote(password)
