"""Tasks in the tests of our users: run them all, now.

::

    app = AppBuilder().add_config({"taskiq": {"in_memory": True}}).build()
    async with running_app(app) as client:
        await client.post("/books", json={...})
        await finish_tasks(app)  # what the request sent has been done
"""

import asyncio
from typing import Any

from fastapi_factory_utilities.core.app import ApplicationAbstract
from fastapi_factory_utilities.core.plugins.taskiq_plugins import depends_scheduler_component

__all__ = ["finish_tasks"]


async def finish_tasks(application: ApplicationAbstract[Any], *, within_seconds: float = 10.0) -> None:
    """Wait until every task has ended that was sent, those included that tasks sent themselves.

    Those that wait for another attempt are tried again at once. For an application with `taskiq.in_memory`.

    Args:
        application: It is running.
        within_seconds: How long that may take.

    Raises:
        TimeoutError: It takes longer.
        TypeError: Its tasks wait in Redis, where other processes may run them.
    """
    from fastapi_factory_utilities.core.plugins.taskiq_plugins.memory import MemoryBroker  # noqa: PLC0415 - the extra

    broker = depends_scheduler_component.of(application.get_asgi_app()).broker
    if not isinstance(broker, MemoryBroker):
        raise TypeError("finish_tasks needs tasks in memory: configure taskiq.in_memory as true in this test")
    async with asyncio.timeout(within_seconds):
        await broker.join()
