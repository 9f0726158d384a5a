"""One write to a document that may exist already."""

from dataclasses import dataclass, field
from typing import Any

from bson.binary import Binary

__all__ = ["Change"]


@dataclass(slots=True)
class Change:
    """What an update sets, and what must hold for it.

    Attributes:
        operation: What is being done, in a repository's words.
        identity: The document's id.
        values: What is set, by key; neither the id nor the time of creation is among them.
        created_at: When the entity says it was created: `{key: time}`, empty when it does not say.
        expected: The revision that must be there still: `{key: revision}`, empty when nothing is compared.
        scope: What holds for every document of this class.
        absent: The keys to remove, because their value is None and is not kept.
        revision: The new revision: `{key: revision}`, empty when there are none.
        defaults: What is set only when the document is made.
    """

    operation: str
    identity: Any
    values: dict[str, Any]
    created_at: dict[str, Any]
    expected: dict[str, Binary | None]
    scope: dict[str, Any]
    absent: list[str]
    revision: dict[str, Binary] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)

    @property
    def document(self) -> dict[str, Any]:
        """The document as it will be, as far as the entity knows it."""
        return {"_id": self.identity, **self.created_at, **self.values}

    @property
    def selection(self) -> dict[str, Any]:
        """The filter: nobody has written it since."""
        return {"_id": self.identity, **self.scope, **self.expected}

    @property
    def update(self) -> dict[str, Any]:
        """The update document, for a document that exists."""
        if not self.absent:
            return {"$set": self.values}
        return {"$set": self.values, "$unset": dict.fromkeys(self.absent, "")}

    @property
    def update_or_insert(self) -> dict[str, Any]:
        """The update document, for one that may not exist."""
        return {**self.update, "$setOnInsert": self.defaults}

    def is_in(self, found: dict[str, Any]) -> bool:
        """Whether this very change was made already: the answer was lost, and the driver tried again."""
        return bool(self.revision) and self.revision.items() <= found.items()

    def expects(self, found: dict[str, Any]) -> bool:
        """Whether nobody has written it since: the revision is the one that must be there."""
        return all(found.get(key) == value for key, value in self.expected.items())
