"""The component as a route's parameter: `async def add_book(tasks: Tasks)`."""

from typing import Annotated

from fastapi import Depends

from fastapi_factory_utilities.core.plugins.taskiq_plugins.component import SchedulerComponent
from fastapi_factory_utilities.core.plugins.taskiq_plugins.provided import depends_scheduler_component

__all__ = ["Tasks"]

Tasks = Annotated[SchedulerComponent, Depends(depends_scheduler_component)]
