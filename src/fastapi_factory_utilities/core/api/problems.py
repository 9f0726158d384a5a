"""Problem details for HTTP APIs (RFC 9457): the value, its JSON, and the exception that service authors raise."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from fastapi_factory_utilities.core.exceptions import FastAPIFactoryUtilitiesError

__all__ = ["MEDIA_TYPE", "Problem", "ProblemError", "problem_response", "status_title"]

MEDIA_TYPE = "application/problem+json"

# The phrases of RFC 9110, whatever the Python version calls them.
_PHRASES = {413: "Content Too Large", 414: "URI Too Long", 416: "Range Not Satisfiable", 422: "Unprocessable Content"}


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong, for the client.

    Attributes:
        status: The HTTP status.
        detail: This occurrence, in a sentence that helps the client; never an internal.
        title: The kind of problem; by default the status's own phrase.
        type: A URI that names the kind of problem; `about:blank` when the status says it all (RFC 9457, 4.2.1).
        instance: A URI that names this occurrence.
        headers: Response headers that go with it.
        members: Extension members.
    """

    status: int
    detail: str | None = None
    title: str | None = None
    type: str = "about:blank"
    instance: str | None = None
    headers: Mapping[str, str] | None = None
    members: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self, trace_id: str) -> bytes:
        """Return the JSON document; extension members that cannot be written as JSON are left out."""
        own: dict[str, Any] = {"type": self.type, "title": self.title or status_title(self.status)}
        own["status"] = self.status
        if self.detail:
            own["detail"] = self.detail
        if self.instance:
            own["instance"] = self.instance
        own["trace_id"] = trace_id
        # What the RFC and we define wins over an extension member of the same name.
        document = own | {name: value for name, value in self.members.items() if name not in own}
        try:
            return _dump(document)
        except (TypeError, ValueError, RecursionError):
            writable = {name: value for name, value in document.items() if name in own or _is_writable(value)}
            return _dump(writable)


class ProblemError(FastAPIFactoryUtilitiesError):
    """An error that answers the request as a problem; raise it, or give your own errors its form.

    ::

        class BookNotFoundError(ProblemError):
            status = 404
            title = "Book not found"

        raise BookNotFoundError("There is no book with this id.", book_id=str(book_id))

    Attributes:
        status: The HTTP status.
        type: A URI that names the kind of problem.
        title: The kind of problem in words; by default the status's own phrase.

    Args:
        detail: This occurrence, in a sentence for the client; never an internal or a secret.
        status: Instead of the class's.
        type: Instead of the class's.
        title: Instead of the class's.
        instance: A URI that names this occurrence.
        headers: Response headers that go with it.
        **members: Extension members of the answer.
    """

    status: int = 400
    type: str = "about:blank"
    title: str | None = None

    def __init__(
        self,
        detail: str = "",
        *,
        status: int | None = None,
        type: str | None = None,  # noqa: A002 - the RFC's own name
        title: str | None = None,
        instance: str | None = None,
        headers: Mapping[str, str] | None = None,
        **members: Any,  # noqa: ANN401 - anything that JSON can say
    ) -> None:
        super().__init__(detail, **members)
        self.detail = detail
        self.instance = instance
        self.headers = headers
        if status is not None:
            self.status = status
        if type is not None:
            self.type = type
        if title is not None:
            self.title = title

    def to_problem(self) -> Problem:
        """Return what the client is told."""
        return Problem(
            status=self.status,
            detail=self.detail or None,
            title=self.title,
            type=self.type,
            instance=self.instance,
            headers=self.headers,
            members=self.fields,
        )


def problem_response(problem: Problem, trace_id: str) -> Response:
    """Return the answer for a problem; without a body where the status forbids one."""
    if problem.status < HTTPStatus.OK or problem.status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
        return Response(status_code=problem.status, headers=problem.headers)
    headers = {
        name: value
        for name, value in (problem.headers or {}).items()
        if name.lower() not in ("content-type", "content-length")
    }
    return Response(problem.to_json(trace_id), problem.status, headers, MEDIA_TYPE)


def status_title(status: int) -> str:
    """Return the phrase of an HTTP status (RFC 9110, 15); "Error" for one without."""
    if status in _PHRASES:
        return _PHRASES[status]
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def _dump(document: Mapping[str, Any]) -> bytes:
    # ASCII only: a lone surrogate, which UTF-8 cannot say, is legal as an escape.
    return json.dumps(document, allow_nan=False, separators=(",", ":"), default=_plain).encode("ascii")


def _plain(value: Any) -> Any:  # noqa: ANN401 - what json does not know by itself
    from fastapi.encoders import jsonable_encoder  # noqa: PLC0415 - only for the rare member that is no plain JSON

    return jsonable_encoder(value)


def _is_writable(value: object) -> bool:
    try:
        _dump({"value": value})
    except (TypeError, ValueError, RecursionError):
        return False
    return True
