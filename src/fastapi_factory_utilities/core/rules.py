"""How a configuration model says that a value breaks a rule."""

from typing import Final

from pydantic_core import PydanticCustomError

__all__ = ["BROKEN_RULE", "broken_rule"]

BROKEN_RULE: Final = "broken_rule"
"""pydantic's type of the errors that `broken_rule` makes."""


def broken_rule(sentence: str) -> PydanticCustomError:
    """Make the error for a validator of configuration to raise; its sentence is told to people as it is.

    Messages of other errors, such as `ValueError`, are searched for the value first, and its words are hidden in them.

    Args:
        sentence: Continues the key: "must be ...". It must not contain the value, nor a part of it.
    """
    return PydanticCustomError(BROKEN_RULE, "{sentence}", {"sentence": sentence})
