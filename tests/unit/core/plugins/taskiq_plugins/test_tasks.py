"""Tasks as they are defined."""

import pickle
from typing import Annotated

import pytest
from fastapi import Depends, Header, Request

from fastapi_factory_utilities.core.plugins import PluginError
from fastapi_factory_utilities.core.plugins.taskiq_plugins import Cron, Every, Task, TaskDefinitionError, injected, task


@task("double")
async def double(number: int) -> int:
    """Multiply by two."""
    return 2 * number


@task()
async def unnamed() -> None: ...


@task("plain")  # type: ignore[arg-type]  # that it runs in a thread is for those who cannot help it
def plain(number: int) -> int:
    return 3 * number


async def test_a_task_is_still_the_function_that_it_is_made_of() -> None:
    assert await double(21) == 42
    assert await plain(2) == 6
    assert double.__doc__ == "Multiply by two."
    assert double.function.__name__ == "double", "Taskiq would rename it"


def test_a_task_without_a_name_is_called_after_its_place() -> None:
    assert unnamed.name == f"{__name__}:unnamed"


def test_a_task_goes_to_another_process_by_its_name() -> None:
    assert pickle.loads(pickle.dumps(pickle_me)) is pickle_me  # noqa: S301 - we made it


def test_what_is_injected_is_not_asked_of_senders() -> None:
    async def title(request: Request) -> str:
        return str(request.app.title)

    @task("names")
    async def names(number: int, title: Annotated[str, Depends(title)] = injected) -> str:
        return f"{title} {number}"

    assert names.arguments.dump((1,), {}) == {"number": 1}
    with pytest.raises(TypeError):
        names.arguments.dump((1,), {"title": "mine"})


def test_what_would_fail_at_every_call_is_told_before_the_first() -> None:
    async def needs_header(token: Annotated[str, Header()]) -> str:
        return token

    async def f(number: int) -> None: ...
    async def g(token: Annotated[str, Depends(needs_header)]) -> None: ...
    async def unknown(thing: "Unheard") -> None: ...  # type: ignore[name-defined]  # noqa: F821 - that is the point

    with pytest.raises(PluginError, match="token"):
        Task(g, "g").check()
    with pytest.raises(TaskDefinitionError, match="Unheard"):
        Task(unknown, "unknown").check()
    with pytest.raises(TaskDefinitionError, match="every 5 s"):
        Task(f, "f", schedules=[Every(seconds=5)]).check()
    with pytest.raises(TaskDefinitionError, match="int_parsing"):
        Task(f, "f", schedules=[Cron("@daily", arguments={"number": "x"})]).check()
    with pytest.raises(TaskDefinitionError, match="time_limit_seconds"):
        Task(f, "f", time_limit_seconds=0)
    with pytest.raises(TaskDefinitionError, match="no function"):
        Task(3, "f")  # type: ignore[arg-type]  # that is the mistake
    Task(f, "f", schedules=[Every(seconds=5, arguments={"number": 3})]).check()


@task("pickled")
async def pickle_me() -> None: ...
