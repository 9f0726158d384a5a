"""The model that every part of a configuration is made of."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict

__all__ = ["FrozenModel"]


class FrozenModel(BaseModel):
    """A section, or a part of one: immutable, refuses unknown keys, and keeps its input out of its errors.

    Values are read from text as well as from YAML, so pydantic's lax mode is on: `"8000"` is a valid port.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=True
    )
