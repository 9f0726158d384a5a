"""Names under which people keep secrets."""

import re
from functools import cache
from typing import Final

__all__ = ["is_secret_name"]

_PATTERN: Final = (
    "passwd|password|passphrase|secret|authorization|credential|apikey|accesskey|privatekey|signingkey|encryptionkey"
    "|(token|cookie)s?$|pwd$|^(auth|pass)$"
)


def is_secret_name(name: str) -> bool:
    """Say whether a key of this name is expected to hold a secret: `password`, `X-Api-Key`, `refresh_token`..."""
    return _pattern().search("".join(filter(str.isalpha, name.lower()))) is not None


@cache
def _pattern() -> re.Pattern[str]:
    """Compile the pattern when it is first needed: that costs more than importing this module."""
    return re.compile(_PATTERN)
