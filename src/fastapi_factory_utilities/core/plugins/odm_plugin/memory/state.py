"""What a collection in memory holds, and a transaction's own view of it."""

from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakValueDictionary

import bson
from bson.codec_options import CodecOptions
from pymongo.errors import DuplicateKeyError

from fastapi_factory_utilities.core.plugins.odm_plugin.memory.ordering import Ordered, ordered
from fastapi_factory_utilities.core.plugins.odm_plugin.memory.session import write_conflict
from fastapi_factory_utilities.core.plugins.odm_plugin.memory.uniqueness import UniqueIndex

__all__ = ["State", "Stored", "Workspace"]


class Stored:
    """One document as it is kept; it is never changed, only replaced.

    Attributes:
        content: The document, to be looked at and not given away.
        entries: For each unique index, the values it takes.
    """

    __slots__ = ("_codec", "_raw", "content", "entries", "key")

    def __init__(
        self, document: Mapping[str, Any], indexes: Sequence[UniqueIndex], codec: CodecOptions[dict[str, Any]]
    ) -> None:
        self._codec = codec
        self._raw = bson.encode(document, codec_options=codec)
        self.content: dict[str, Any] = self.copy()
        self.key: Ordered = ordered(self.content["_id"])
        self.entries: list[frozenset[Ordered]] = [index.entries(self.content) for index in indexes]

    def copy(self) -> dict[str, Any]:
        """Return the document, to be given away."""
        return bson.decode(self._raw, self._codec)


class State:
    """The committed documents of a collection, in the order in which they came.

    Attributes:
        documents: Them, by their ids.
        writers: The transactions that have written a document and are still open, by the document's id.
    """

    def __init__(self, name: str, indexes: Sequence[UniqueIndex], codec: CodecOptions[dict[str, Any]]) -> None:
        self.name = name
        self.codec = codec
        self.indexes = indexes
        self.documents: dict[Ordered, Stored] = {}
        self.writers: WeakValueDictionary[Ordered, Workspace] = WeakValueDictionary()

    def make(self, document: Mapping[str, Any]) -> Stored:
        """Return a document as it is to be kept.

        Raises:
            InvalidDocument: A value has no form in BSON.
        """
        return Stored(document, self.indexes, self.codec)

    def as_read(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Send a document through BSON, which refuses and rounds what a server would."""
        return bson.decode(bson.encode(document, codec_options=self.codec), self.codec)

    def put(self, stored: Stored) -> None:
        """Keep a document, in place of the one with its id.

        Raises:
            DuplicateKeyError: It takes a unique value that another document has.
        """
        self.check_unique(stored, self.documents)
        self.documents[stored.key] = stored

    def remove(self, key: Ordered) -> None:
        """Forget a document."""
        del self.documents[key]

    def begin(self) -> "Workspace":
        """Return a view for a transaction that begins now."""
        return Workspace(self)

    def check_unique(self, stored: Stored, documents: Mapping[Ordered, Stored]) -> None:
        """Raise when a document takes a unique value that another one has."""
        for number, index in enumerate(self.indexes):
            taken = stored.entries[number]
            if taken and any(
                other.key != stored.key and not taken.isdisjoint(other.entries[number]) for other in documents.values()
            ):
                raise self.duplicate(index)

    def duplicate(self, index: UniqueIndex) -> DuplicateKeyError:
        """Return the driver's error for a value that is taken; unlike a server's it does not quote the value."""
        said = f"E11000 duplicate key error collection: {self.name} index: {index.name}"
        return DuplicateKeyError(said, 11000, {"code": 11000, "errmsg": said, "keyPattern": index.keys})


class Workspace(State):
    """What one transaction sees and writes: the collection as it was when the transaction came to it."""

    def __init__(self, committed: State) -> None:
        super().__init__(committed.name, committed.indexes, committed.codec)
        self._committed = committed
        self._before = dict(committed.documents)
        self.documents: dict[Ordered, Stored] = dict(committed.documents)

    def put(self, stored: Stored) -> None:
        """See `State.put`.

        Raises:
            OperationFailure: Somebody else has written it since the transaction began, or is about to.
        """
        self._take(stored.key)
        super().put(stored)

    def remove(self, key: Ordered) -> None:
        """See `State.remove`.

        Raises:
            OperationFailure: Somebody else has written it since the transaction began, or is about to.
        """
        self._take(key)
        super().remove(key)

    def check(self) -> None:
        """Raise when what was written here cannot be published any more."""
        changed = self._changed()
        for key in changed:
            self._check_unwritten(key)
        result = self._result(changed)
        for stored in changed.values():
            if stored is not None:
                self.check_unique(stored, result)

    def publish(self) -> None:
        """Make what was written here visible to everybody."""
        self._committed.documents = self._result(self._changed())

    def close(self) -> None:
        """Let other transactions write what was written here."""
        for key in [key for key, writer in self._committed.writers.items() if writer is self]:
            del self._committed.writers[key]

    def _take(self, key: Ordered) -> None:
        self._check_unwritten(key)
        if self._committed.writers.setdefault(key, self) is not self:
            raise write_conflict()

    def _changed(self) -> dict[Ordered, Stored | None]:
        """What was written, and None for what was deleted."""
        keys = [*self.documents, *(key for key in self._before if key not in self.documents)]
        return {key: self.documents.get(key) for key in keys if self.documents.get(key) is not self._before.get(key)}

    def _result(self, changed: Mapping[Ordered, Stored | None]) -> dict[Ordered, Stored]:
        result = {**self._committed.documents, **changed}
        return {key: stored for key, stored in result.items() if stored is not None}

    def _check_unwritten(self, key: Ordered) -> None:
        if self._committed.documents.get(key) is not self._before.get(key):
            raise write_conflict()
