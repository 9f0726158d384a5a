"""Headers that tell browsers to do less with an answer than they would (security headers).

They are put in where an answer gets its request's id, in the same pass: no layer of their own, no copy more.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from starlette.types import Message, Scope

from fastapi_factory_utilities.core.api.request_ids import REQUEST_ID_HEADER, request_id_of, with_request_id

__all__ = ["DEFAULT_POLICY", "Completion", "security_headers", "with_security_headers"]

DEFAULT_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"
"""The policy of an answer that is data: should a browser show it as a page, it loads, runs and submits nothing, and no
other page may frame it (CSP level 3, 6.4.2: `frame-ancestors` is stronger than `X-Frame-Options`, and replaces it)."""

Completion = Callable[[Message, Scope], Message]
"""Completes the headers of the message with which an answer begins."""

_Headers = tuple[tuple[bytes, bytes], ...]
_REQUEST_ID: Final = REQUEST_ID_HEADER.lower().encode("ascii")


def security_headers(
    *,
    enabled: bool = True,
    content_security_policy: str | None = DEFAULT_POLICY,
    strict_transport_security: str | None = "max-age=31536000",
    headers: Mapping[str, str] | None = None,
) -> Completion | None:
    """Return what gives every answer the headers that keep browsers from misusing it, for `create_fastapi`.

    A header that an answer has already stays as it is. `X-Content-Type-Options: nosniff` is always one of them.

    Args:
        enabled: Whether there are any.
        content_security_policy: What a browser may do with the answer; `None` for no policy.
        strict_transport_security: Sent over https only (RFC 6797, 7.2): for how long browsers come by https; `None`
            for never.
        headers: Further ones, by name.
    """
    if not enabled:
        return None
    always = {"X-Content-Type-Options": "nosniff"}
    if content_security_policy is not None:
        always["Content-Security-Policy"] = content_security_policy
    secure = {} if strict_transport_security is None else {"Strict-Transport-Security": strict_transport_security}
    return with_security_headers(always | dict(headers or {}), secure)


def with_security_headers(always: Mapping[str, str], over_https: Mapping[str, str]) -> Completion:
    """Return what adds headers, and the request's id, to the beginning of an answer.

    Args:
        always: The headers of every answer.
        over_https: Those that only an answer over https has.
    """
    plain = _encoded(always)
    secure = plain + _encoded(over_https)
    names = frozenset(name for name, _ in secure) | {_REQUEST_ID}

    def complete(message: Message, scope: Scope) -> Message:
        if message["type"] == "websocket.accept":
            return with_request_id(message, scope)
        ours = secure if scope.get("scheme") == "https" else plain
        headers: Any = message.get("headers", ())
        for name, _ in headers:
            if name in names:
                return with_request_id({**message, "headers": _without_doubles(headers, ours)}, scope)
        return {**message, "headers": [*headers, *ours, (_REQUEST_ID, request_id_of(scope).encode("ascii"))]}

    return complete


def _without_doubles(headers: Any, ours: _Headers) -> list[tuple[bytes, bytes]]:  # noqa: ANN401 - any iterable of pairs
    present = dict(headers)
    return [*headers, *(pair for pair in ours if pair[0] not in present)]


def _encoded(headers: Mapping[str, str]) -> _Headers:
    return tuple((name.lower().encode("ascii"), value.encode("latin-1")) for name, value in headers.items())
