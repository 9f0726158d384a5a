"""Lists that Kratos gives in pages."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qs, urlsplit

__all__ = ["KratosPage", "checked_size", "next_token"]

_MOST: Final = 500
# RFC 8288, 3; Kratos' addresses have neither `>` nor `,` in them.
_LINK: Final = re.compile(r'<([^>]*)>\s*;\s*rel="?([a-z]+)"?')


@dataclass(frozen=True, slots=True)
class KratosPage[ItemT]:
    """A part of a list.

    Attributes:
        items: What is in it.
        next_token: Where the next part begins (`page_token`); `None` if this is the last one.
    """

    items: list[ItemT] = field(repr=False)
    next_token: str | None = None


def checked_size(page_size: int) -> str:
    """Return how many items a page is to have, as Kratos takes it.

    Raises:
        ValueError: Kratos gives less than one or more than 500 never.
    """
    if not 1 <= page_size <= _MOST:
        raise ValueError(f"page_size is from 1 to {_MOST}")
    return str(page_size)


def next_token(headers: Mapping[str, str]) -> str | None:
    """Return the token of the next page, from an answer's header `Link`."""
    for address, kind in _LINK.findall(headers.get("Link", "")):
        if kind == "next":
            tokens = parse_qs(urlsplit(address).query).get("page_token")
            return tokens[0] if tokens else None
    return None
