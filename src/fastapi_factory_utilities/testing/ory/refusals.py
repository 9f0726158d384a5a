"""How a fake refuses a request: Ory's `errorGeneric` under an HTTP status."""

import json
from http import HTTPStatus
from typing import Any

from fastapi_factory_utilities.core.plugins.aiohttp import required  # noqa: F401 - says how to install the rest

# isort: split
from aiohttp import web

__all__ = ["RefusalError", "error_body", "json_of"]


class RefusalError(Exception):
    """What a handler raises instead of an answer.

    Args:
        status: The status.
        reason: Why, in words.
        id: Ory's name of this error.
        beside: What stands beside `error`.

    Attributes:
        status: The status.
        body: The answer's body.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        *,
        id: str | None = None,  # noqa: A002 - Ory's name
        beside: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(reason)
        self.status: int = status
        facts = {"reason": reason} | ({} if id is None else {"id": id})
        self.body: dict[str, Any] = error_body(status, **facts) | (beside or {})


def error_body(status: int, **facts: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever JSON can say
    """Return Ory's `errorGeneric` for a status; facts such as `id` and `reason` are put into it."""
    phrase = HTTPStatus(status).phrase
    return {"error": {"code": status, "status": phrase, "message": phrase, **facts}}


async def json_of(request: web.Request) -> dict[str, Any]:
    """Return the JSON object that a request carries.

    Raises:
        RefusalError: It carries none.
    """
    try:
        body = json.loads(await request.read())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise RefusalError(400, "The request's body is no JSON object.")
    return body
