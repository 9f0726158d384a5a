"""Watching a component's health, with words for a plugin's author when it is not what it should be."""

import asyncio
from typing import Any

from fastapi_factory_utilities.core.app import ApplicationAbstract
from fastapi_factory_utilities.core.services.status import HealthStatusEnum, ReadinessStatusEnum, Status
from fastapi_factory_utilities.testing.conformance.stage import patience

__all__ = ["Watch"]

_POLL_SECONDS = 0.01


class Watch:
    """The health of one component of one application.

    Args:
        plugin: The plugin's name, for messages.
        application: The application.
        component: The component's key.
    """

    def __init__(self, plugin: str, application: ApplicationAbstract[Any], component: str) -> None:
        self._plugin = plugin
        self._service = application.get_status_service()
        self._component = component

    @property
    def status(self) -> Status:
        """What the component says now.

        Raises:
            AssertionError: There is no such component.
        """
        state = self._service.components.get(self._component)
        if state is None:
            known = ", ".join(self._service.components) or "none"
            raise AssertionError(
                f"{self._plugin} has no component {self._component!r} in the health of its application (there is: "
                f"{known}): register it before the plugin has started, with `component` as its key"
            )
        return state.status

    @property
    def is_ready(self) -> bool:
        """Whether it is healthy and ready."""
        status = self.status
        return status.health is HealthStatusEnum.HEALTHY and status.readiness is ReadinessStatusEnum.READY

    @property
    def is_down(self) -> bool:
        """Whether it is unhealthy and not ready."""
        status = self.status
        return status.health is HealthStatusEnum.UNHEALTHY and status.readiness is ReadinessStatusEnum.NOT_READY

    def times_not_ready(self) -> int:
        """How often it became not ready after it was ready."""
        return sum(
            event.component is not None
            and event.component.key == self._component
            and event.previous.readiness is ReadinessStatusEnum.READY
            and event.status.readiness is ReadinessStatusEnum.NOT_READY
            for event in self._service.history
        )

    async def ready(self, seconds: float, after: str) -> None:
        """Wait until it is healthy and ready.

        Raises:
            AssertionError: It is not in time.
        """
        if not await self._becomes("is_ready", seconds):
            raise AssertionError(
                f"{self._plugin} is not healthy and ready {seconds:g} s after {after}: {self._says()}. Its client must "
                "connect again by itself, with pauses shorter than that, and ready() must succeed"
            )

    async def down(self, seconds: float, after: str) -> None:
        """Wait until it is unhealthy and not ready.

        Raises:
            AssertionError: It is not in time.
        """
        if not await self._becomes("is_down", seconds):
            raise AssertionError(
                f"{self._plugin} is not unhealthy {seconds:g} s after {after}: {self._says()}. ping() must make a "
                "round trip to the backend, raise when there is no answer, and bear being cancelled"
            )

    async def _becomes(self, wanted: str, seconds: float) -> bool:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds * patience()
        while not getattr(self, wanted):
            if loop.time() > deadline:
                return False
            await asyncio.sleep(_POLL_SECONDS)
        return True

    def _says(self) -> str:
        status = self.status
        because = f", because {status.reason!r}" if status.reason else ""
        return f"{self._component} says {status.health.value} and {status.readiness.value}{because}"
