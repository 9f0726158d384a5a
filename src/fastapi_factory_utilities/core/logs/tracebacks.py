"""Exceptions as data: bounded whatever their depth, chain or width, and without local variables."""

import sys
from collections import deque
from typing import Any, Final

from fastapi_factory_utilities.core.logs.frames import traceback_frames
from fastapi_factory_utilities.core.logs.messages import cut, message_of, text_of, type_of
from fastapi_factory_utilities.core.logs.values import Plain, plain

__all__ = ["describe", "exception_of"]

_MESSAGE_LIMIT: Final = 2_000
_TEXT_LIMIT: Final = 20_000  # of all messages and notes in one line
_EXCEPTIONS: Final = 12  # in one line: the exception, its causes, the members of its groups
_FIRST_FRAMES, _LAST_FRAMES = 4, 16  # of the exception itself
_FIRST_FRAMES_OF_CAUSE, _LAST_FRAMES_OF_CAUSE = 2, 6
_FIRST_CAUSES, _LAST_CAUSES = 3, 2  # the last one is the root of the matter
_MEMBERS: Final = 5
_NOTES: Final = 5


def exception_of(exc_info: Any) -> BaseException | None:  # noqa: ANN401 - all that logging accepts as `exc_info`
    """Find the exception that `exc_info` means: itself, a tuple, or `True` for the one being handled."""
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return next((part for part in exc_info if isinstance(part, BaseException)), None)
    return sys.exc_info()[1] if exc_info else None


def describe(error: BaseException) -> dict[str, Plain]:
    """Describe an exception, its causes and, for a group, its members.

    Returns:
        `type`, `message` and `frames` (each `file:line function`, outermost first); where there are any also `notes`,
        `fields`, `causes` (nearest first, the root last) and `members`. What is left out is counted:
        `omitted_causes`, `omitted_members`.
    """
    return _Description().of(error)


class _Description:
    """One description, with what is left of its allowance."""

    def __init__(self) -> None:
        self._left = _EXCEPTIONS
        self._characters = _TEXT_LIMIT
        self._seen: set[int] = set()

    def of(self, error: BaseException) -> dict[str, Plain]:
        described = self._one(error, _FIRST_FRAMES, _LAST_FRAMES)
        chain, length = _chain(error)
        causes: list[Plain] = [
            {"relation": relation, **self._one(cause, _FIRST_FRAMES_OF_CAUSE, _LAST_FRAMES_OF_CAUSE)}
            for relation, cause in chain
            if self._left > 0 and id(cause) not in self._seen
        ]
        if causes:
            described["causes"] = causes
        if length > len(causes):
            described["omitted_causes"] = length - len(causes)
        return described

    def _one(self, error: BaseException, first: int, last: int) -> dict[str, Plain]:
        self._left -= 1
        self._seen.add(id(error))
        described: dict[str, Plain] = {
            "type": type_of(error),
            "message": self._text(message_of(error)),
            "frames": list[Plain](traceback_frames(error.__traceback__, first, last)),
        }
        notes = getattr(error, "__notes__", None)
        if isinstance(notes, list) and notes:
            described["notes"] = [self._text(text_of(note)) for note in notes[:_NOTES]]
        fields = getattr(error, "fields", None)
        if isinstance(fields, dict) and fields:
            described["fields"] = plain(fields)
        if isinstance(error, BaseExceptionGroup):
            self._add_members(described, error)
        return described

    def _add_members(self, described: dict[str, Plain], group: BaseExceptionGroup[BaseException]) -> None:
        members: list[Plain] = [self.of(member) for member in group.exceptions[:_MEMBERS] if self._left > 0]
        described["members"] = members
        if len(group.exceptions) > len(members):
            described["omitted_members"] = len(group.exceptions) - len(members)

    def _text(self, text: str) -> str:
        text = cut(text, min(_MESSAGE_LIMIT, max(self._characters, 0)))
        self._characters -= len(text)
        return text


def _chain(error: BaseException) -> tuple[list[tuple[str, BaseException]], int]:
    """Follow an exception's causes as Python does; give the first and the last ones, and how many there are."""
    first: list[tuple[str, BaseException]] = []
    last: deque[tuple[str, BaseException]] = deque(maxlen=_LAST_CAUSES)
    seen = {id(error)}
    length = 0
    while True:
        relation, cause = "cause", error.__cause__
        if cause is None and not error.__suppress_context__:
            relation, cause = "context", error.__context__
        if cause is None or id(cause) in seen:
            return [*first, *last], length
        seen.add(id(cause))
        length += 1
        (first if len(first) < _FIRST_CAUSES else last).append((relation, cause))
        error = cause
