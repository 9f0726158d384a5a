"""What it means that Kratos answers with an error."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from fastapi_factory_utilities.core.services.kratos.errors import (
    KratosConflictError,
    KratosNotFoundError,
    KratosOperationError,
    KratosSecondFactorError,
    KratosSessionInvalidError,
    KratosUnavailableError,
)

__all__ = ["Answer", "refused"]

_SECOND_FACTOR: Final = "session_aal2_required"
_ERROR_ID_LENGTH: Final = 64
_LONGEST_SECONDS: Final = 3600.0
_NOT_ALLOWED: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


@dataclass(frozen=True, slots=True)
class Answer:
    """What Kratos answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def document(self) -> dict[str, Any]:
        """Return its JSON object; an empty one if it is something else."""
        try:
            document = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return document if isinstance(document, dict) else {}


def refused(answer: Answer, *, asked: str, facts: Mapping[str, Any], about_sessions: bool) -> KratosOperationError:
    """Make the error of an answer.

    Args:
        answer: An answer with another status than was hoped for.
        asked: What was asked of whom, for the text.
        facts: The same for a program.
        about_sessions: Whether 401 and 403 are about the person who asks, and not about us.
    """
    document = answer.document()
    error = document.get("error")
    error_id = error.get("id") if isinstance(error, dict) else None
    # A name of Kratos', never words: those may be about a person.
    error_id = error_id[:_ERROR_ID_LENGTH] if isinstance(error_id, str) and error_id.isidentifier() else None
    fields = {**facts, "status": answer.status, "error_id": error_id}
    said = f"{asked} was answered with {answer.status}" + ("" if error_id is None else f" ({error_id})")
    if about_sessions and answer.status in _NOT_ALLOWED:
        return _not_signed_in(said, fields, document.get("redirect_browser_to"))
    if answer.status in _NOT_ALLOWED:
        return KratosOperationError(f"{said}: see that this service may call the admin API, and its api_key", **fields)
    if answer.status == HTTPStatus.NOT_FOUND:
        return KratosNotFoundError(f"{said}: there is none, or not any more", **fields)
    if answer.status == HTTPStatus.CONFLICT:
        return KratosConflictError(f"{said}: somebody else has that identifier, or it was changed meanwhile", **fields)
    if 400 <= answer.status < 500 and answer.status != HTTPStatus.TOO_MANY_REQUESTS:  # noqa: PLR2004 - RFC 9110, 15.5
        return KratosOperationError(f"{said}: see Kratos' own log for what is wrong with it", **fields)
    retry = answer.headers.get("Retry-After", "")
    return KratosUnavailableError(
        f"{said}: see Kratos' own log, and the url of its entry in dependencies",
        retry_after_seconds=min(float(retry), _LONGEST_SECONDS) if retry.isdecimal() else 1.0,
        **fields,
    )


def _not_signed_in(said: str, fields: dict[str, Any], where: object) -> KratosSessionInvalidError:
    if fields["error_id"] == _SECOND_FACTOR:
        return KratosSecondFactorError(
            f"{said}: they have to prove with a second factor who they are",
            redirect_browser_to=where if isinstance(where, str) else None,
            **fields,
        )
    return KratosSessionInvalidError(f"{said}: they have to sign in", **fields)
