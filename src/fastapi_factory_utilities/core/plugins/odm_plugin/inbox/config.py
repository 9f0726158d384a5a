"""The section `inbox`."""

from typing import Annotated, Final

from pydantic import Field, StringConstraints

from fastapi_factory_utilities.core.plugins.config import PluginConfig

__all__ = ["InboxConfig"]

_COLLECTION: Final = r"^[A-Za-z_][A-Za-z0-9_.-]*$"  # MongoDB's restrictions on collection names


class InboxConfig(PluginConfig):
    """The section `inbox`; every key has a default."""

    collection: Annotated[str, StringConstraints(max_length=100, pattern=_COLLECTION)] = Field(
        default="inbox", description="Where the ids of processed messages are kept."
    )
    lease_seconds: float = Field(
        default=60.0,
        gt=0,
        description="How long a message is one consumer's: longer than its processing takes.",
    )
    retention_seconds: float = Field(
        default=7 * 86_400.0,
        gt=0,
        description="How long a processed message is remembered: longer than it may be delivered again.",
    )
