"""JSON bodies are read by pydantic's parser: RFC 8259 to the letter, and in a third of the time.

`json.loads` lets through what no answer can repeat and many a program cannot bear: `NaN`, `Infinity`, numbers beyond
the range of a double (`1e999`), lone surrogates, and nesting so deep that walking it overflows the stack. And it takes
the last of several members of one name, where a proxy or another service may have judged by the first (RFC 8259, 4;
forbidden by I-JSON, RFC 7493, 2.3). All of these become a 422 here, where FastAPI alone would accept them, and might
fail later with a 500.
"""

import json
import math
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fastapi import routing
from fastapi.params import Form
from fastapi.routing import APIRoute
from pydantic_core import from_json, to_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

__all__ = ["StrictRequest", "limit_body", "parse_json", "read_json_strictly"]

# Only the versions that know body limits have it.
limit_body: Any = getattr(routing, "wrap_app_with_body_limit", None)

_BOM = b"\xef\xbb\xbf"
# Every digit becomes "0", every "E" an "e": two cheap searches then find what might be a number out of range, that is
# one with an exponent of three digits or with hundreds of digits.
_NUMBERS = bytes.maketrans(b"123456789E", b"000000000e")
_MADE_BY_FASTAPI = "request_response.<locals>.app"
_LIMITED_BY_FASTAPI = "RequestBodyLimitMiddleware"
_LONG_NUMBER = b"0" * 200


def parse_json(document: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Parse a JSON document.

    Raises:
        json.JSONDecodeError: It is none, by RFC 8259; it is not UTF-8; it is nested deeper than some 200 levels; a
            number is too large for a double; or an object has two members of one name.
    """
    document = document.removeprefix(_BOM)
    try:
        value = from_json(document, allow_inf_nan=False)
        digits = document.translate(_NUMBERS, b"+")
        if b"e000" in digits or _LONG_NUMBER in digits:
            _FINITE.decode(document.decode())
        if _may_have_doubles(document, value):
            _UNIQUE.decode(document.decode())
    except ValueError as error:
        # FastAPI knows this error and answers 422; its text speaks of places only, never of content.
        raise json.JSONDecodeError(str(error), "", 0) from None
    return value


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("number out of range")
    return number


def _may_have_doubles(document: bytes, value: object) -> bool:
    """Compare the colons of the document with those of its value: each member that was dropped has at least one.

    A colon that the document writes as an escape could stand for one that was dropped.
    """
    colons = document.count(b":")
    if not colons or (isinstance(value, dict) and len(value) == colons):
        return False
    return b"\\u003" in document or to_json(value).count(b":") != colons


def _unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(members)
    if len(value) != len(members):
        raise ValueError("an object has two members of one name")
    return value


_FINITE = json.JSONDecoder(parse_float=_finite)
_UNIQUE = json.JSONDecoder(object_pairs_hook=_unique)


class StrictRequest(Request):
    """A request whose `json()` is strict."""

    async def json(self) -> Any:  # noqa: ANN401 - any JSON value
        """Return the body's JSON value; see `parse_json` for what it raises."""
        if not hasattr(self, "_json"):
            self._json = parse_json(await self.body())
        return self._json


def read_json_strictly(route: APIRoute) -> None:
    """Make a route read its JSON body strictly; one without such a body stays as it is.

    It is FastAPI's documented way (a request class of one's own, through `get_route_handler`), applied from outside so
    that service authors need no route class. A route that another layer has wrapped already is left alone.
    """
    if route.body_field is None or isinstance(route.body_field.field_info, Form):
        return
    limit = getattr(route, "max_body_size", None)
    made_by = getattr(route.app, "__qualname__", None) if limit is None else type(route.app).__name__
    if made_by != (_MADE_BY_FASTAPI if limit is None else _LIMITED_BY_FASTAPI):
        return
    app: ASGIApp = routing.request_response(_strictly(route.get_route_handler()))
    route.app = app if limit is None else limit_body(app, limit)


def _strictly(
    handler: Callable[[Request], Coroutine[Any, Any, Response]],
) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        return await handler(StrictRequest(request.scope, request.receive, request._send))  # noqa: SLF001 - see below

    # Starlette has no public door to `send`, and FastAPI's own documented example leaves it out; a route that uses it
    # (server push, debug extension) should go on working.
    return handle
