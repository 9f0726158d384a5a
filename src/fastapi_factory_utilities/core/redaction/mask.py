"""What is written instead of a secret."""

from typing import Final

__all__ = ["REDACTED"]

REDACTED: Final = "***"
