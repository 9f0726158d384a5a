"""`AuditEventObject`: who did what, why, where and when."""

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Final
from uuid import uuid4

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer, field_validator

__all__ = ["REDACTED", "AuditEventObject", "Redacted"]

REDACTED: Final = "***"


def _redacted(value: object) -> object:
    return None if value is None else REDACTED


type Redacted[ValueT] = Annotated[ValueT, PlainSerializer(_redacted)]
"""Marks a field whose value stays in the process: what is published says that there was one, and not which."""


class AuditEventObject(BaseModel):
    """Something that somebody did.

    Extend it with what else your readers must know::

        class BookLent(AuditEventObject):
            book_id: UUID
            card_number: Redacted[str]

    An identity tells it from others, so that a reader which gets it twice knows.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    event_id: str = Field(default_factory=lambda: uuid4().hex, min_length=1, description="What tells it from others.")
    what: str = Field(min_length=1, max_length=100, description="What was done, such as `book.lent`.")
    why: str = Field(min_length=1, description="Why, such as the request or the rule that it follows from.")
    where: str = Field(min_length=1, max_length=100, description="Where, such as the part of the service.")
    when: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC), description="When, in UTC.")
    who: dict[str, Any] = Field(description="Who, with an `id` at least.")

    def __repr_args__(self) -> Any:  # noqa: ANN401 - pydantic's own
        """Show which event it is, and nothing of a person."""
        return [(name, getattr(self, name)) for name in ("event_id", "what", "where", "when")]

    def __str__(self) -> str:
        """Show the same."""
        return repr(self)

    @field_validator("when")
    @classmethod
    def _in_utc(cls, when: datetime) -> datetime:
        return when.astimezone(UTC)

    @field_validator("who")
    @classmethod
    def _somebody(cls, who: dict[str, Any]) -> dict[str, Any]:
        if who.get("id") in (None, ""):
            raise ValueError("who must have an id: an event that nobody caused proves nothing")
        return who
