"""`SchedulerComponent`: registering, finding, and what is misuse."""

from collections.abc import Callable

import pytest
from taskiq import AsyncTaskiqDecoratedTask, TaskiqScheduler

from fastapi_factory_utilities.core.plugins.taskiq_plugins import (
    RetryPolicy,
    SchedulerComponent,
    TaskiqPluginBaseError,
    task,
)
from fastapi_factory_utilities.core.plugins.taskiq_plugins.memory import MemoryBroker
from fastapi_factory_utilities.core.plugins.taskiq_plugins.schedule_source import TaskScheduleSource
from fastapi_factory_utilities.core.plugins.taskiq_plugins.schedule_store import MemoryScheduleStore


async def double(number: int) -> int:
    return 2 * number


@pytest.fixture
def component() -> SchedulerComponent:
    broker = MemoryBroker()
    return SchedulerComponent().configure(broker, TaskScheduleSource(MemoryScheduleStore()), broker.dead_letters)


def test_a_task_is_registered_under_a_name_and_found_by_it(component: SchedulerComponent) -> None:
    registered = component.register_task(double, "double", retry=RetryPolicy(max_attempts=9), queue="fast")
    assert component.get_task("double") is registered
    assert registered.task.retry.max_attempts == 9
    assert registered.labels == {"queue": "fast"}
    assert component.find("double") is registered.task
    assert component.find("other") is None
    assert [each.name for each in component] == ["double"]


def test_it_is_one_of_taskiqs_own_tasks_and_leaves_the_function_as_it_was(component: SchedulerComponent) -> None:
    registered = component.register_task(double, "double")
    assert isinstance(registered, AsyncTaskiqDecoratedTask)
    assert component.broker.find_task("double") is registered
    assert isinstance(component.scheduler, TaskiqScheduler)
    assert component.scheduler.sources == [component.scheduler_source]
    assert double.__name__ == "double"


def test_a_task_is_found_by_itself(component: SchedulerComponent) -> None:
    typed, another = task("typed")(double), task("typed")(double)
    registered = component.register_task(typed)
    assert component.get_task(typed) is registered
    with pytest.raises(ValueError, match=r"^Task typed not registered$"):
        component.get_task(another)
    with pytest.raises(ValueError, match="has its name already"):
        component.register_task(another, "renamed")


@pytest.mark.parametrize(
    ("misuse", "told"),
    [
        (lambda component: component.broker, "Stream broker is not initialized"),
        (lambda component: component.register_task(double, "double"), "Stream broker is not initialized"),
        (lambda component: component.result_backend, "Result backend is not initialized"),
        (lambda component: component.scheduler, "Scheduler is not initialized"),
        (lambda component: component.scheduler_source, "Scheduler source is not initialized"),
        (lambda component: component.dead_letters, "Dead letters are not initialized"),
        (lambda component: component.get_task("double"), "Task double not registered"),
    ],
)
def test_before_it_is_configured_it_says_so(misuse: Callable[[SchedulerComponent], object], told: str) -> None:
    with pytest.raises(ValueError, match=f"^{told}$") as caught:
        misuse(SchedulerComponent())
    assert isinstance(caught.value, TaskiqPluginBaseError)


def test_a_name_is_taken_once(component: SchedulerComponent) -> None:
    component.register_task(double, "double")
    with pytest.raises(ValueError, match=r"^Task double already registered$"):
        component.register_task(double, "double")
