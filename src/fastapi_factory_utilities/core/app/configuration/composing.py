"""Makes a tree of YAML: one pass over the parser's events, without recursion, each limit checked on the way."""

from collections.abc import Iterable
from typing import Final

from yaml import events

from fastapi_factory_utilities.core.app.configuration.anchors import Anchors, Part, UnusableAliasError
from fastapi_factory_utilities.core.app.configuration.frames import Frame
from fastapi_factory_utilities.core.app.configuration.origins import Origin
from fastapi_factory_utilities.core.app.configuration.problems import ConfigProblem, dotted
from fastapi_factory_utilities.core.app.configuration.scalars import (
    MERGE,
    TEXT,
    TagError,
    kind_of,
    read_collection,
    read_scalar,
    tag_of,
)
from fastapi_factory_utilities.core.app.configuration.tree import (
    MAX_DEPTH,
    Branch,
    Broken,
    Items,
    Leaf,
    Node,
    Template,
)

__all__ = ["MAX_NODES", "Composer", "RefusedError"]

MAX_NODES: Final = 20_000
"""How many keys and values a file may have."""

_MAX_PROBLEMS: Final = 100


class RefusedError(Exception):
    """A file cannot be read any further."""

    def __init__(self, problem: ConfigProblem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class Composer:
    """Composes one file.

    Attributes:
        problems: The mistakes that do not keep the rest from being read.
    """

    def __init__(self, source: str) -> None:
        self.problems: list[ConfigProblem] = []
        self._source = source
        self._stack: list[Frame] = []
        self._anchors = Anchors()
        self._root: Node | None = None
        self._nodes = 0

    def compose(self, stream: Iterable[events.Event]) -> Branch:
        """Read the events of one document.

        Raises:
            RefusedError: A limit is passed, or the document is not a mapping.
        """
        for event in stream:
            match event:
                case events.NodeEvent():
                    self._node(event)
                case events.CollectionEndEvent():
                    self._end()
                case events.DocumentStartEvent() if self._root is not None:
                    raise self._refused(event, "a second document begins here", "keep one document, without ---")
        root = self._root
        if root is None or (isinstance(root, Leaf) and root.value is None):
            return Branch({}, {}, Origin(self._source, 1, 1))
        if not isinstance(root, Branch):
            hint = "begin with sections, such as `application:`"
            raise RefusedError(ConfigProblem("", "the file is not a mapping", root.origin, hint))
        return root

    def _node(self, event: events.NodeEvent) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise self._refused(event, f"more than {MAX_NODES} keys and values", "keep data in files of their own")
        frame = self._stack[-1] if self._stack else None
        if frame is not None and frame.wants_key:
            if not isinstance(event, events.ScalarEvent):
                raise self._refused(event, "a key that is not text", "put a value that contains braces in quotes")
            self._key(frame, event)
        elif isinstance(event, events.ScalarEvent):
            self._add(Part(self._scalar(event), len(event.value) + 1, 0), event.anchor)
        elif isinstance(event, events.CollectionStartEvent):
            self._begin(event)
        else:
            try:
                part = self._anchors.follow(event.anchor, len(self._stack))
            except UnusableAliasError as error:
                raise self._refused(event, str(error), "write the value out") from None
            self._add(part, None)

    def _scalar(self, event: events.ScalarEvent) -> Node:
        origin = self._origin(event)
        tag = _tag(event)
        if "${" in event.value and tag in (None, TEXT):
            return Template(event.value, is_plain=event.implicit[0], origin=origin)
        try:
            return Leaf(read_scalar(event.value, tag or (tag_of(event.value) if event.implicit[0] else TEXT)), origin)
        except TagError as error:
            self._problem(event, str(error))
            return Broken(origin)

    def _key(self, frame: Frame, event: events.ScalarEvent) -> None:
        """Take a scalar as the key of the entry that follows."""
        key = event.value
        tag = _tag(event) or (tag_of(key) if event.implicit[0] else TEXT)
        if tag == MERGE:
            if frame.merged:
                self._problem(event, "merges twice", "give one `<<` with a list: `<<: [*one, *two]`")
            frame.is_merging = True
            return
        if tag != TEXT:
            self._problem(event, f"a key that YAML reads as {kind_of(tag)}, not as text", "put the key in quotes")
        elif key in frame.keys:
            hint = f"keep one of the two; the first is at {frame.keys[key][0]}"
            self._problem(event, "the key is given twice", hint, (key,))
        frame.key = key
        frame.weight += len(key) + 1
        frame.keys.setdefault(key, (self._origin(event),))
        if event.anchor:
            self._anchors.finish(event.anchor, Part(Leaf(key, self._origin(event)), len(key) + 1, 0))

    def _begin(self, event: events.CollectionStartEvent) -> None:
        if len(self._stack) >= MAX_DEPTH:
            raise self._refused(event, f"more than {MAX_DEPTH} levels", "nest less deeply")
        self._anchors.begin(event.anchor)
        self._stack.append(Frame(event, self._origin(event)))

    def _end(self) -> None:
        frame = self._stack.pop()
        node: Node = frame.finish()
        tag = _tag(frame.event)
        if tag is not None and isinstance(node, Branch | Items):
            try:
                node = read_collection(node, tag)
            except TagError as error:
                self._problem(frame.event, str(error))
        self._add(Part(node, frame.weight, frame.height), frame.event.anchor)

    def _add(self, part: Part, anchor: str | None) -> None:
        """Put a finished node where it belongs."""
        self._anchors.finish(anchor, part)
        if not self._stack:
            self._root = part.node
            return
        frame = self._stack[-1]
        frame.weight += part.weight
        frame.height = max(frame.height, part.height + 1)
        if not frame.is_mapping:
            frame.items.append(part.node)
        elif frame.is_merging:
            frame.is_merging = False
            self._merge(frame, part.node)
        elif frame.key is not None:
            frame.children.setdefault(frame.key, part.node)
            frame.key = None

    def _merge(self, frame: Frame, node: Node) -> None:
        for source in node.items if isinstance(node, Items) else (node,):
            if isinstance(source, Branch):
                frame.merged.append(source)
            else:
                hint = "merge a mapping: `<<: *defaults`"
                self.problems.append(ConfigProblem(self._path(), "`<<` needs a mapping", source.origin, hint))

    def _origin(self, event: events.Event) -> Origin:
        mark = event.start_mark
        return Origin(self._source, mark.line + 1, mark.column + 1) if mark else Origin(self._source)

    def _path(self, *more: str) -> str:
        parts: list[str | int] = []
        for frame in self._stack:
            if not frame.is_mapping:
                parts.append(len(frame.items))
            elif frame.key is not None:
                parts.append(frame.key)
        return dotted([*parts, *more])

    def _problem(self, event: events.Event, message: str, hint: str = "", more: tuple[str, ...] = ()) -> None:
        if len(self.problems) >= _MAX_PROBLEMS:
            raise self._refused(event, f"{_MAX_PROBLEMS} mistakes before here", "correct those first")
        self.problems.append(ConfigProblem(self._path(*more), message, self._origin(event), hint))

    def _refused(self, event: events.Event, message: str, hint: str) -> RefusedError:
        return RefusedError(ConfigProblem(self._path(), message, self._origin(event), hint))


def _tag(event: events.ScalarEvent | events.CollectionStartEvent) -> str | None:
    """The tag that is written; the non-specific tag `!` says nothing that its absence does not."""
    return None if event.tag == "!" else event.tag
