"""What a message carries from attempt to attempt."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from fastapi_factory_utilities.core.plugins.aiopika.dead_letter_headers import (
    Cause,
    attempts_made,
    dead_headers,
    origin_of,
    retry_headers,
    revived_headers,
)
from fastapi_factory_utilities.core.redaction import preserved_secrets, register_secrets


def test_the_origin_is_that_of_the_first_attempt() -> None:
    first = retry_headers({"tenant": "a"}, "books", "book.added", 1)
    second = retry_headers(first, "", "index", 2)
    assert origin_of(second, "", "index") == ("books", "book.added")
    assert attempts_made(second) == 2
    assert second["tenant"] == "a"


def test_what_the_broker_wrote_does_not_travel_on() -> None:
    headers = {"x-death": [{"count": 1}], "x-first-death-queue": "q", "x-last-death-queue": "q", "x-delivery-count": 3}
    assert not any(name in retry_headers(headers, "", "q", 1) for name in headers)


@pytest.mark.parametrize("nonsense", [None, "7", -3, 1.5, [1]])
def test_nonsense_in_the_attempt_counts_as_none(nonsense: Any) -> None:
    assert attempts_made({"x-attempt": nonsense}) == 0


def test_a_dead_letter_says_what_happened_and_when() -> None:
    before = datetime.now(UTC)
    headers = dead_headers({}, "books", "book.added", 5, Cause.of(KeyError("title")))
    assert headers["x-dead-error"] == "KeyError"
    assert headers["x-dead-reason"] == "'title'"
    assert before <= headers["x-dead-at"] <= datetime.now(UTC)
    assert headers["x-attempt"] == 5


def test_a_revived_message_has_all_its_attempts_and_its_origin() -> None:
    revived = revived_headers(dead_headers({"tenant": "a"}, "books", "book.added", 5, Cause.of(KeyError("title"))))
    assert revived == {"tenant": "a", "x-original-exchange": "books", "x-original-routing-key": "book.added"}


def test_a_reason_is_bounded_in_one_line_and_without_secrets() -> None:
    with preserved_secrets():
        register_secrets(["tops3cret"])
        cause = Cause.of(ValueError("password is\n tops3cret " + "x" * 9000))
    assert len(cause.reason) < 600
    assert "\n" not in cause.reason
    assert "tops3cret" not in cause.reason


def test_a_validation_error_gives_places_and_no_values() -> None:
    class Book(BaseModel):
        pages: int

    with pytest.raises(ValidationError) as caught:
        Book.model_validate({"pages": "a private matter"})
    cause = Cause.of(caught.value)
    assert "pages" in cause.reason
    assert "private" not in cause.reason


def test_an_error_that_cannot_be_printed_is_a_cause_all_the_same() -> None:
    class BrokenError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert "BrokenError" in Cause.of(BrokenError()).error
