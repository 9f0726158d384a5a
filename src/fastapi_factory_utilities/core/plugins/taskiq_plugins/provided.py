"""What `TaskiqPlugin` provides while it runs; it is a FastAPI dependency."""

from typing import TYPE_CHECKING

from fastapi_factory_utilities.core.plugins.provided import Provided

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.taskiq_plugins.component import SchedulerComponent

__all__ = ["depends_scheduler_component"]

depends_scheduler_component: "Provided[SchedulerComponent]" = Provided("scheduler_component", plugin="TaskiqPlugin")
