"""Problem details as values and JSON."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from fastapi_factory_utilities.core.api import ProblemError
from fastapi_factory_utilities.core.api.problems import Problem, problem_response, status_title
from fastapi_factory_utilities.core.exceptions import FastAPIFactoryUtilitiesError

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def document(problem: Problem) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(problem.to_json(TRACE))
    return loaded


def test_a_plain_problem_says_what_the_status_says() -> None:
    assert document(Problem(404)) == {"type": "about:blank", "title": "Not Found", "status": 404, "trace_id": TRACE}


def test_extension_members_stand_beside_the_members_of_the_rfc_and_never_replace_them() -> None:
    problem = Problem(409, "Taken.", members={"title_id": 3, "status": 200, "trace_id": "mine", "detail": "other"})

    assert document(problem) == {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "detail": "Taken.",
        "trace_id": TRACE,
        "title_id": 3,
    }


def test_members_may_be_what_fastapi_can_encode() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    members = {"id": UUID(int=1), "at": moment, "price": Decimal("1.5"), "all": {1}}

    written = document(Problem(400, members=members))

    assert written["id"] == "00000000-0000-0000-0000-000000000001"
    assert written["at"].startswith("2026-01-01T00:00:00")
    assert written["price"] == 1.5
    assert written["all"] == [1]


def test_a_member_that_json_cannot_say_is_left_out_and_the_others_stay() -> None:
    itself: list[Any] = []
    itself.append(itself)

    written = document(Problem(400, members={"nan": float("nan"), "loop": itself, "fine": 1}))

    assert written["fine"] == 1
    assert "nan" not in written
    assert "loop" not in written


def test_a_lone_surrogate_does_not_break_the_answer() -> None:
    assert document(Problem(400, "\ud800 was here"))["detail"] == "\ud800 was here"


def test_the_author_s_headers_stay_but_not_those_of_another_body() -> None:
    problem = Problem(401, headers={"WWW-Authenticate": "Bearer", "Content-Type": "text/plain", "content-length": "1"})

    response = problem_response(problem, TRACE)

    assert response.headers["www-authenticate"] == "Bearer"
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["content-length"] == str(len(response.body))


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_that_allows_no_body_gets_none(status: int) -> None:
    response = problem_response(Problem(status, headers={"ETag": '"1"'}), TRACE)

    assert response.body == b""
    assert "content-type" not in response.headers
    assert response.headers["etag"] == '"1"'


@pytest.mark.parametrize(
    ("status", "title"),
    [(422, "Unprocessable Content"), (413, "Content Too Large"), (418, "I'm a Teapot"), (499, "Error")],
)
def test_titles_are_those_of_rfc_9110(status: int, title: str) -> None:
    assert status_title(status) == title


def test_an_error_of_one_s_own_carries_what_its_class_says() -> None:
    class BookNotFoundError(ProblemError):
        status = 404
        title = "Book not found"
        type = "https://errors.example/book-not-found"

    error = BookNotFoundError("There is no book 7.", book_id=7)

    assert isinstance(error, FastAPIFactoryUtilitiesError)
    assert str(error) == "There is no book 7."
    assert document(error.to_problem()) == {
        "type": "https://errors.example/book-not-found",
        "title": "Book not found",
        "status": 404,
        "detail": "There is no book 7.",
        "trace_id": TRACE,
        "book_id": 7,
    }


def test_an_error_can_say_everything_where_it_is_raised() -> None:
    error = ProblemError(
        "No.", status=402, type="tag:me", title="Pay", instance="/payments/1", headers={"X-Price": "3"}, price=3
    )

    assert error.to_problem() == Problem(
        402, "No.", "Pay", "tag:me", "/payments/1", headers={"X-Price": "3"}, members={"price": 3}
    )
    assert ProblemError.status == 400
