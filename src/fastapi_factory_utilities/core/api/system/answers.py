"""The bodies of the system endpoints, made from what the status service holds in memory.

The second form of each is that of the IETF draft "Health Check Response Format for HTTP APIs"
(draft-inadarei-api-health-check-06).
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi_factory_utilities.core.api.system.negotiation import HEALTH_JSON
from fastapi_factory_utilities.core.services.status import (
    ComponentState,
    ComponentTypeEnum,
    HealthStatusEnum,
    Liveness,
    ReadinessStatusEnum,
    StatusService,
)

__all__ = ["Answer", "Answers"]

_Headers = list[tuple[bytes, bytes]]
_PASS_WARN_FAIL = {
    HealthStatusEnum.HEALTHY: "pass",
    HealthStatusEnum.DEGRADED: "warn",
    HealthStatusEnum.UNHEALTHY: "fail",
}
_DATASTORES = frozenset({ComponentTypeEnum.CACHE, ComponentTypeEnum.DATABASE, ComponentTypeEnum.STORAGE})


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, ready to be sent."""

    status: int
    headers: _Headers
    body: bytes


class Answers:
    """Makes the answers, each once for each change of the status.

    Args:
        status: The status service.
    """

    def __init__(self, status: StatusService) -> None:
        self._status = status
        self._liveness = status.liveness
        self._version = -1
        self._made: dict[tuple[str, bool], Answer] = {}
        self._makers: dict[str, tuple[Callable[[], Answer], Callable[[], Answer]]] = {
            "health": (self._health, self._health_draft),
            "components": (self._components, self._health_draft),
            "readiness": (self._readiness, self._readiness_draft),
            "startup": (self._startup, self._startup_draft),
        }
        self._alive = (_plain(200, {"status": "alive"}), _draft(200, {"status": "pass"}))

    def get(self, name: str, *, draft: bool = False) -> Answer:
        """Return the present answer of an endpoint, in the draft's form or in ours."""
        if name == "liveness":
            liveness = self._liveness.state()
            return self._alive[draft] if liveness.alive else _not_alive(liveness, draft=draft)
        if self._version != self._status.version:
            self._version = self._status.version
            self._made.clear()
        answer = self._made.get((name, draft))
        if answer is None:
            answer = self._made[name, draft] = self._makers[name][draft]()
        return answer

    def _health(self) -> Answer:
        health = self._status.status.health
        return _plain(_health_code(health), {"status": health.value})

    def _components(self) -> Answer:
        components = {key: _report(state) for key, state in self._status.components.items()}
        # A report about the components, not a probe: asking for it succeeded.
        return _plain(200, {"status": self._status.status.health.value, "components": components})

    def _readiness(self) -> Answer:
        status = self._status.status
        if status.readiness is ReadinessStatusEnum.READY:
            return _plain(200, {"status": "ready"})
        return _plain(503, {"status": "not_ready", "reason": status.reason, "components": self._not_ready()})

    def _startup(self) -> Answer:
        return _plain(200, {"status": "started"}) if self._status.was_ready else _plain(503, {"status": "starting"})

    def _health_draft(self) -> Answer:
        status = self._status.status
        checks: dict[str, list[dict[str, Any]]] = {}
        for key, state in self._status.components.items():
            name = state.instance.identifier or state.instance.component_type.value
            checks.setdefault(f"{name}:availability", []).append(_check(key, state))
        document: dict[str, Any] = {"status": _PASS_WARN_FAIL[status.health]}
        if status.health is not HealthStatusEnum.HEALTHY and status.reason:
            document["output"] = status.reason
        return _draft(_health_code(status.health), document | {"checks": checks})

    def _readiness_draft(self) -> Answer:
        status = self._status.status
        if status.readiness is ReadinessStatusEnum.READY:
            return _draft(200, {"status": "pass"})
        return _draft(503, {"status": "fail", "output": status.reason or ", ".join(self._not_ready())})

    def _startup_draft(self) -> Answer:
        if self._status.was_ready:
            return _draft(200, {"status": "pass"})
        return _draft(503, {"status": "fail", "output": "the service has not been ready yet"})

    def _not_ready(self) -> list[str]:
        return [
            key
            for key, state in self._status.components.items()
            if state.required and state.status.readiness is ReadinessStatusEnum.NOT_READY
        ]


def _not_alive(liveness: Liveness, *, draft: bool) -> Answer:
    if draft:
        return _draft(503, {"status": "fail", "output": liveness.reason})
    return _plain(503, {"status": "not_alive", "reason": liveness.reason})


def _health_code(health: HealthStatusEnum) -> int:
    return 503 if health is HealthStatusEnum.UNHEALTHY else 200


def _report(state: ComponentState) -> dict[str, Any]:
    return {
        "health": state.status.health.value,
        "readiness": state.status.readiness.value,
        "required": state.required,
        "since": _time(state.since),
        "reason": state.status.reason,
        "next_try_at": None if state.status.next_try_at is None else _time(state.status.next_try_at),
    }


def _check(key: str, state: ComponentState) -> dict[str, Any]:
    check: dict[str, Any] = {
        "componentId": key,
        "componentType": "datastore" if state.instance.component_type in _DATASTORES else "component",
        "observedValue": state.status.health.value,
        "status": _PASS_WARN_FAIL[state.status.health],
        "time": _time(state.since),
    }
    # "Clients SHOULD ignore it for pass", and the draft wants it left out there (4.8).
    if state.status.reason and state.status.health is not HealthStatusEnum.HEALTHY:
        check["output"] = state.status.reason
    return check


def _time(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _plain(status: int, document: dict[str, Any]) -> Answer:
    return _answer(status, document, b"application/json")


def _draft(status: int, document: dict[str, Any]) -> Answer:
    return _answer(status, document, HEALTH_JSON.encode())


def _answer(status: int, document: dict[str, Any], media_type: bytes) -> Answer:
    body = json.dumps(document, separators=(",", ":")).encode()
    headers = [
        (b"content-type", media_type),
        (b"content-length", str(len(body)).encode()),
        # No cache keeps it, so none needs to be told that it varies with "accept".
        (b"cache-control", b"no-store"),
    ]
    return Answer(status, headers, body)
