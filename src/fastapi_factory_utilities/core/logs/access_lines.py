"""Access lines, built as cheaply as we know how.

The logger is called `access`. Requests that the service failed (status 500 and above) are warnings, all others are
`info`: with `access: WARNING` only the failures leave a line.
"""

from collections.abc import Mapping
from time import time
from typing import Any, Final

from fastapi_factory_utilities.core.logs.clock import utc_timestamp
from fastapi_factory_utilities.core.logs.context import surroundings
from fastapi_factory_utilities.core.logs.encoding import encode, encode_text, tame
from fastapi_factory_utilities.core.logs.json_lines import json_line
from fastapi_factory_utilities.core.logs.keys import are_ordinary
from fastapi_factory_utilities.core.logs.levels import scope_of
from fastapi_factory_utilities.core.logs.logger import PROCESSORS, get_logger
from fastapi_factory_utilities.core.logs.messages import cut
from fastapi_factory_utilities.core.logs.state import STATE
from fastapi_factory_utilities.core.logs.values import SCALARS, VALUE_LIMIT
from fastapi_factory_utilities.core.redaction import has_secret

__all__ = ["CLIENT_CLOSED_REQUEST", "access_is_logged", "log_request", "log_session", "route_template"]

CLIENT_CLOSED_REQUEST: Final = 499
"""Not a status of HTTP: nginx logs it for a client that left before the answer came, and so do we."""

_SERVER_ERROR: Final = 500
_INFO, _WARNING = 20, 30
_PATH_LIMIT: Final = 1_000
_KEYS: Final = frozenset({"method", "path", "route", "status", "duration_ms", "bytes", "client", "disconnected"})

_log = get_logger("access")
_threshold = scope_of("access")


def access_is_logged() -> bool:
    """Say whether any request can leave a line; if not, watching them is a waste."""
    return _threshold.level <= _WARNING


def log_request(
    scope: Mapping[str, Any],
    status: int,
    seconds: float,
    *,
    size: int | None = None,
    disconnected: bool = False,
    failed: bool = False,
) -> None:
    """Write the line of one request.

    Args:
        scope: Its ASGI scope, after the application has seen it.
        status: The status of its answer; 0 if none was begun.
        seconds: How long it took.
        size: Octets of the answer's body.
        disconnected: The client left before the answer was complete.
        failed: The application raised an exception.
    """
    if disconnected and (failed or not status):
        status = CLIENT_CLOSED_REQUEST
    elif not status:
        status = _SERVER_ERROR
    level, number = ("info", _INFO) if status < _SERVER_ERROR else ("warning", _WARNING)
    if number < _threshold.level:
        return
    try:
        pipeline = STATE.pipeline
        around = surroundings()
        if pipeline is not None and pipeline.render is json_line and not PROCESSORS:
            end = _end(around) if around else "}"
            if end is not None and not has_secret(scope["path"]):
                pipeline.write(_line(level, scope, status, seconds, size, disconnected, end))
                return
        facts = _place(scope) | {"status": status, "duration_ms": round(seconds * 1000, 3), "bytes": size}
        if disconnected:
            facts["disconnected"] = True
        getattr(_log, level)("request", **{key: value for key, value in facts.items() if value is not None})
    except Exception as error:  # noqa: BLE001 - strange things in a scope must not fail its request
        _log.warning("access line could not be written", reason=type(error).__name__)


def log_session(
    scope: Mapping[str, Any], event: str, *, seconds: float | None = None, code: int | None = None, failed: bool = False
) -> None:
    """Write one of the two lines of a WebSocket session.

    Args:
        scope: Its ASGI scope.
        event: What happened.
        seconds: How long it lasted, at its end.
        code: Its close code (RFC 6455, 7.4).
        failed: The application raised an exception.
    """
    facts = _place(scope) | {"code": code, "duration_ms": None if seconds is None else round(seconds * 1000, 3)}
    tell = _log.warning if failed else _log.info
    tell(event, **{key: value for key, value in facts.items() if value is not None})


def route_template(scope: Mapping[str, Any]) -> str | None:
    """Find the template of the route that was chosen, such as `/books/{book_id}`, prefixes included."""
    route = scope.get("route")
    if route is None:
        return None
    # FastAPI 0.137 and above: an included router's route knows its prefix only here. (To ask costs less than to fail.)
    facts = scope.get("fastapi")
    context = facts.get("effective_route_context") if type(facts) is dict else None
    template: str | None = getattr(context, "path_format", None) or getattr(route, "path_format", None)
    if template is None or "app_root_path" not in scope:
        return template
    mounted_at: str = scope["root_path"][len(scope["app_root_path"]) :]
    return mounted_at + template


def _line(
    level: str,
    scope: Mapping[str, Any],
    status: int,
    seconds: float,
    size: int | None,
    disconnected: bool,  # noqa: FBT001 - private, and a keyword costs time here
    end: str,
) -> str:
    client = scope.get("client")
    route = route_template(scope)
    path = scope["path"]
    if len(path) > _PATH_LIMIT:
        path = cut(path, _PATH_LIMIT)
    line = (
        f'{{"timestamp":"{utc_timestamp(time())}","level":"{level}","logger":"access","event":"request",'
        f'"method":{encode_text(scope["method"])},"path":{encode_text(path)}'
        f'{"" if route is None else f""","route":{encode_text(route)}"""},"status":{status},'
        f'"duration_ms":{seconds * 1000:.3f}{"" if size is None else f""","bytes":{size}"""}'
        f'{f""","client":{encode_text(client[0])}""" if client else ""}'
        f'{""","disconnected":true""" if disconnected else ""}{end}'
    )
    return line if line.isascii() else tame(line)


def _place(scope: Mapping[str, Any]) -> dict[str, Any]:
    client = scope.get("client")
    return {
        "method": scope.get("method"),
        "path": cut(scope["path"], _PATH_LIMIT),
        "route": route_template(scope),
        "client": client[0] if client else None,
    }


def _end(around: dict[str, Any]) -> str | None:
    """Encode the surrounding keys, if they can be written as they are."""
    if _KEYS.isdisjoint(around) and are_ordinary(around) and SCALARS.issuperset(map(type, around.values())):
        try:
            encoded = encode(around)
        except ValueError:  # NaN, or an integer too long to be written
            return None
        if len(encoded) <= VALUE_LIMIT and not has_secret(encoded):
            return f",{encoded[1:]}"
    return None
