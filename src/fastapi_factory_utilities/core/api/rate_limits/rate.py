"""A number of requests in a time, as people write it: `5/minute`, `100/10 seconds`."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

__all__ = ["Rate", "parse_rate"]

_UNITS: Final = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
_RATE: Final = re.compile(rf"([1-9]\d{{0,8}}) ?/ ?(?:([1-9]\d{{0,5}}) ?)?({'|'.join(_UNITS)})s?")


@dataclass(frozen=True, slots=True)
class Rate:
    """How many requests are served in how long.

    Attributes:
        amount: The requests.
        seconds: The time, in seconds.
    """

    amount: int
    seconds: int

    def __str__(self) -> str:
        return f"{self.amount} in {self.seconds} s"


@lru_cache(maxsize=1000)
def parse_rate(text: str) -> Rate:
    """Parse `number/unit` or `number/number units`; units are second, minute, hour, day.

    Raises:
        ValueError: It is none of these.
    """
    match = _RATE.fullmatch(text.strip().lower())
    if match is None:
        raise ValueError("must be a rate such as 5/minute or 100/10 seconds; the units are second, minute, hour, day")
    return Rate(int(match[1]), int(match[2] or 1) * _UNITS[match[3]])
