"""One page of a longer list."""

from dataclasses import dataclass

__all__ = ["Page"]


@dataclass(frozen=True, slots=True)
class Page[EntityT]:
    """What `paginate` returns.

    Attributes:
        items: The entities of this page, in order.
        total: How many there are on all pages together.
        number: Which page this is; the first is 1.
        size: How many entities a full page has.
    """

    items: list[EntityT]
    total: int
    number: int
    size: int

    @property
    def pages(self) -> int:
        """How many pages there are; none when there is nothing."""
        return -(-self.total // self.size)

    @property
    def has_next(self) -> bool:
        """Whether another page follows."""
        return self.number < self.pages
