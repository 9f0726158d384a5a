"""What a fake was asked."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["OryRequest"]


@dataclass(frozen=True, slots=True)
class OryRequest:
    """One request, as it came.

    Attributes:
        door: Where it came in: `public` or `admin`.
        method: Its method.
        path: Its path.
        query: Its query, in order.
        headers: Its headers, with names in lower case.
        body: Its body.
        status: What it was answered with; 0 if it never was.
    """

    door: str
    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    status: int = 0

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever JSON says
        """The body's JSON; `None` if there is no body.

        Raises:
            ValueError: The body is no JSON.
        """
        return json.loads(self.body) if self.body else None
