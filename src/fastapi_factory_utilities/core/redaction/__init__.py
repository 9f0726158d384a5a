"""Known secret values, kept out of every text the library writes.

Whoever reads a secret (the configuration, above all) registers its value once; `redact` then masks it wherever it
turns up: as it is, or in the escaped and encoded forms in which libraries like to print it. A few shapes are masked
without being known: the password of a URL, `Bearer` and `Basic` credentials, JSON Web Tokens.

The registry is one for the process. Reading it takes no lock: writers replace immutable tuples.
"""

from fastapi_factory_utilities.core.redaction.names import is_secret_name
from fastapi_factory_utilities.core.redaction.registry import (
    MINIMUM_SECRET_LENGTH,
    REDACTED,
    forget_secrets,
    has_secret,
    preserved_secrets,
    redact,
    register_secrets,
)

__all__ = [
    "MINIMUM_SECRET_LENGTH",
    "REDACTED",
    "forget_secrets",
    "has_secret",
    "is_secret_name",
    "preserved_secrets",
    "redact",
    "register_secrets",
]
