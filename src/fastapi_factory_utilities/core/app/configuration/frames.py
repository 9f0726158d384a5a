"""Collections of a YAML file while they are being read."""

from yaml import events

from fastapi_factory_utilities.core.app.configuration.origins import Origin
from fastapi_factory_utilities.core.app.configuration.tree import Branch, Items, Node

__all__ = ["Frame"]


class Frame:
    """A collection between its begin and its end.

    Attributes:
        key: The key whose value comes next; `None` when a key comes next.
        is_merging: Whether the value of `<<` comes next.
        weight: About the number of characters in it.
        height: The number of levels under it.
    """

    def __init__(self, event: events.CollectionStartEvent, origin: Origin) -> None:
        self.event = event
        self.origin = origin
        self.is_mapping: bool = isinstance(event, events.MappingStartEvent)
        self.key: str | None = None
        self.is_merging = False
        self.children: dict[str, Node] = {}
        self.keys: dict[str, tuple[Origin, ...]] = {}
        self.items: list[Node] = []
        self.merged: list[Branch] = []
        self.weight = 1
        self.height = 1

    @property
    def wants_key(self) -> bool:
        """Whether what comes next is a key."""
        return self.is_mapping and self.key is None and not self.is_merging

    def finish(self) -> Branch | Items:
        """Make the node."""
        if not self.is_mapping:
            return Items(tuple(self.items), self.origin)
        children: dict[str, Node] = {}
        keys: dict[str, tuple[Origin, ...]] = {}
        for branch in reversed(self.merged):  # of several the first wins; the mapping's own keys beat all
            children |= branch.children
            keys |= branch.keys
        return Branch(children | self.children, keys | self.keys, self.origin)
