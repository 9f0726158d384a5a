"""What the page shows, as plain data: requests, health, configuration."""

import os
import platform
from collections.abc import Iterable
from datetime import datetime
from time import time
from typing import TYPE_CHECKING, Any, Final

from fastapi_factory_utilities.core.dev.spans import span_rows
from fastapi_factory_utilities.core.dev.store import Line, Store, Trace, Work
from fastapi_factory_utilities.core.services.status import ComponentState, Status, StatusUpdateEvent
from fastapi_factory_utilities.core.telemetry.scopes import REQUEST_ID_KEY, TRACE_ID_KEY

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.app import ApplicationAbstract

__all__ = ["configuration", "health", "request", "requests", "service"]

_BAD_LEVELS: Final = ("critical", "error", "warning")


def service(application: "ApplicationAbstract[Any]", store: Store) -> dict[str, Any]:
    """Describe the process that answers."""
    about = application.get_config().application
    return {
        "name": about.service_name,
        "namespace": about.service_namespace,
        "description": about.description,
        "version": about.version,
        "environment": about.environment.value,
        "role": application.role.value,
        "process": os.getpid(),
        "processes": application.get_config().server.workers,
        "python": platform.python_version(),
        "plugins": [plugin.name for plugin in application.plugins],
        "has_spans": application.telemetry_slot.current.active,
        "health": _state(application.get_status_service().status),
        "readiness": application.get_status_service().status.readiness.value,
        "now": time(),
        "life": store.life,
        "store_version": store.version,
    }


def requests(store: Store) -> list[dict[str, Any]]:
    """List the last units of work, newest first."""
    return [_work(work, _trace_of(store, work)) for work in reversed(store.works)]


def request(store: Store, number: int) -> dict[str, Any] | None:
    """Describe one unit of work with the spans and log lines of its trace."""
    work = store.find(number)
    if work is None:
        return None
    trace = _trace_of(store, work)
    return {
        **_work(work, trace),
        "spans": span_rows(trace.spans),
        "more_spans": trace.more_spans,
        "lines": [_line(line) for line in trace.lines],
        "more_lines": trace.more_lines,
    }


def health(application: "ApplicationAbstract[Any]") -> dict[str, Any]:
    """Describe how every component is, and the transitions that led there, newest first."""
    status = application.get_status_service()
    liveness = status.liveness.state()
    return {
        "health": _state(status.status),
        "readiness": status.status.readiness.value,
        "reason": status.status.reason,
        "since": _seconds(status.since),
        "alive": liveness.alive,
        "draining": status.is_draining,
        "components": [_component(key, state) for key, state in status.components.items()],
        "history": [_transition(event) for event in reversed(status.history)],
    }


def configuration(application: "ApplicationAbstract[Any]") -> dict[str, Any]:
    """List every effective value with its origin; secrets are replaced."""
    # Reads YAML, which is heavy, and only for whoever looks.
    from fastapi_factory_utilities.core.app.configuration.showing import effective  # noqa: PLC0415 - see above

    settings = application.config_sources
    rows = effective(settings, application.get_config())
    return {
        "sources": [] if settings is None else list(settings.sources),
        "has_origins": settings is not None,
        "values": [
            {"key": row.path, "value": row.value, "origin": str(row.origin) if settings is not None else ""}
            for row in rows
        ],
    }


def _ids(work: Work) -> tuple[str, str]:
    """The trace id and the request id of a unit of work; empty while nobody knows."""
    if work.scope is not None:  # it goes on: whoever gives out the ids may have done so meanwhile
        return work.scope.get(TRACE_ID_KEY, ""), work.scope.get(REQUEST_ID_KEY, "")
    return work.trace_id, work.request_id


def _trace_of(store: Store, work: Work) -> Trace:
    """What is known of its trace, without the lines of other requests that belong to the same one."""
    trace_id, request_id = _ids(work)
    trace = store.trace(trace_id)
    if request_id:
        trace.lines = [line for line in trace.lines if line.facts.get("request_id", request_id) == request_id]
    return trace


def _work(work: Work, trace: Trace) -> dict[str, Any]:
    return {
        "number": work.number,
        "kind": work.kind,
        "title": work.title,
        "method": work.method,
        "query": list(work.query),
        "route": work.route,
        "client": work.client,
        "at": work.started_at,
        "seconds": work.seconds,
        "status": work.status,
        "octets": work.octets,
        "failed": work.failed,
        "disconnected": work.disconnected,
        "trace": _ids(work)[0],
        "span_count": len(trace.spans) + trace.more_spans,
        "line_count": len(trace.lines) + trace.more_lines,
        "worst": _worst(trace.lines),
    }


def _worst(lines: Iterable[Line]) -> str | None:
    levels = {line.level for line in lines}
    return next((level for level in _BAD_LEVELS if level in levels), None)


def _line(line: Line) -> dict[str, Any]:
    facts = {key: value for key, value in line.facts.items() if key not in ("request_id", "span_id")}
    return {
        "at": line.at,
        "level": line.level,
        "logger": line.logger,
        "event": line.event,
        "span": line.facts.get("span_id"),
        "facts": facts,
    }


def _component(key: str, state: ComponentState) -> dict[str, Any]:
    return {
        "key": key,
        "health": _state(state.status),
        "readiness": state.status.readiness.value,
        "required": state.required,
        "reason": state.status.reason,
        "since": _seconds(state.since),
        "next_try_at": _seconds(state.status.next_try_at),
    }


def _transition(event: StatusUpdateEvent) -> dict[str, Any]:
    return {
        "number": event.sequence,
        "at": _seconds(event.at),
        "component": None if event.component is None else event.component.key,
        "from": _state(event.previous),
        "to": _state(event.status),
        "readiness": event.status.readiness.value,
        "reason": event.status.reason,
    }


def _state(status: Status) -> str:
    """The health; of what was never reached yet, that it is starting."""
    return "starting" if status.starting else status.health.value


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()
