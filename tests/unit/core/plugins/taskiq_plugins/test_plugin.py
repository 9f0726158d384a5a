"""`TaskiqPlugin` with its tasks in memory: what a service and its tests see."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID, uuid4

import pytest
import structlog
from fastapi import Depends, HTTPException, Request
from taskiq import TaskiqMessage, TaskiqMiddleware, TaskiqResult
from taskiq.exceptions import ResultGetError

from fastapi_factory_utilities.core.app import ApplicationAbstract
from fastapi_factory_utilities.core.plugins import PluginNotActiveError, PluginStartError, ProcessRole
from fastapi_factory_utilities.core.plugins.taskiq_plugins import (
    CurrentTask,
    Every,
    RetryPolicy,
    SchedulerComponent,
    TaskArgumentsError,
    TaskContext,
    TaskDefinitionError,
    TaskiqPlugin,
    TaskiqPluginBaseError,
    TaskQueueFullError,
    Tasks,
    TaskTimeLimitError,
    current_task,
    depends_scheduler_component,
    injected,
    task,
)
from fastapi_factory_utilities.testing import running_app
from fastapi_factory_utilities.testing.running import lifespan
from fastapi_factory_utilities.testing.tasks import finish_tasks
from tests.unit.core.plugins.taskiq_plugins.conftest import App, make_app

IMPATIENT = {"drain_seconds": 0.05, "grace_seconds": 1.0}


@pytest.fixture
def seen() -> list[Any]:
    return []


def component_of(app: ApplicationAbstract[Any]) -> SchedulerComponent:
    return depends_scheduler_component.of(app.get_asgi_app())


# --- sending and results ---


async def test_a_route_sends_a_task_and_its_result_comes_back(seen: list[Any]) -> None:
    @task("index_book")
    async def index_book(book_id: UUID, at: datetime, *, copies: int = 1) -> list[UUID]:
        seen.append((book_id, at, copies))
        return [book_id] * copies

    app, book, now = make_app(TaskiqPlugin("t", tasks=[index_book])), uuid4(), datetime.now(UTC)

    @app.get_asgi_app().post("/books")
    async def add_book(tasks: Tasks) -> str:
        return (await tasks.get_task(index_book).kiq(book, now, copies=2)).task_id

    async with running_app(app) as client:
        task_id = (await client.post("/books")).json()
        await finish_tasks(app)
        result = await component_of(app).result_backend.get_result(task_id)
        assert result.return_value == [str(book), str(book)]
        sent = await component_of(app).get_task(index_book).kiq(book, now)
        assert (await sent.wait_result(timeout=5, check_interval=0.01)).return_value == [book], "of its own type"
    assert seen == [(book, now, 2), (book, now, 1)]


async def test_a_hook_registers_functions_as_tasks(seen: list[Any]) -> None:
    async def double(number: int) -> None:
        seen.append(2 * number)

    app = make_app(TaskiqPlugin("t", lambda component: component.register_task(double, "double")))
    for _ in range(2):
        async with lifespan(app):
            await component_of(app).get_task("double").kiq("21")
            await finish_tasks(app)
    assert seen == [42, 42]
    with pytest.raises(PluginNotActiveError):
        component_of(app)


async def test_plain_functions_run_in_a_thread(seen: list[Any]) -> None:
    def block(number: int) -> int:
        time.sleep(0.01)
        seen.append(current_task().attempt)
        return number

    app = make_app(TaskiqPlugin("t", lambda component: component.register_task(block, "block")))
    async with lifespan(app):
        sent = await component_of(app).get_task("block").kiq(3)
        await finish_tasks(app)
        assert (await sent.get_result()).return_value == 3
    assert seen == [1]


async def test_arguments_that_do_not_fit_are_refused_where_they_are_sent(seen: list[Any]) -> None:
    @task("strict")
    async def strict(number: int) -> None:
        seen.append(number)

    app = make_app(TaskiqPlugin("t", tasks=[strict]))
    async with lifespan(app):
        registered = component_of(app).get_task("strict")
        with pytest.raises(TaskArgumentsError):
            await registered.kiq("x")
        with pytest.raises(TypeError):
            await registered.kiq()
        with pytest.raises(TaskArgumentsError):
            await registered.schedule_at(datetime.now(UTC), "x")
        await finish_tasks(app)
    assert seen == []


async def test_arguments_that_arrive_and_do_not_fit_are_not_tried_again(seen: list[Any]) -> None:
    """They come from another release, or another program."""

    @task("strict")
    async def strict(number: int) -> None:
        seen.append(number)

    app = make_app(TaskiqPlugin("t", tasks=[strict]))
    async with lifespan(app):
        broker = component_of(app).broker
        message = TaskiqMessage(task_id="1", task_name="strict", labels={}, args=["planted"], kwargs={})
        await broker.kick(broker.formatter.dumps(message))
        await finish_tasks(app)
        (dead,) = await component_of(app).dead_letters.list()
    assert seen == []
    assert "number: int_parsing" in dead.cause
    assert "planted" not in dead.cause


async def test_a_full_queue_refuses() -> None:
    @task("waits")
    async def waits() -> None:
        await asyncio.sleep(60)

    app = make_app(
        TaskiqPlugin("t", tasks=[waits]), taskiq={"in_memory": True, "max_stream_length": 2}, server=IMPATIENT
    )
    async with lifespan(app):
        for _ in range(2):
            await component_of(app).get_task(waits).kiq()
        with pytest.raises(TaskQueueFullError):
            await component_of(app).get_task(waits).kiq()


# --- injection ---


async def test_dependencies_are_injected_as_in_routes_one_scope_per_attempt(seen: list[Any]) -> None:
    def where(request: Request) -> str:
        return str(request.app.title)

    async def session(where: Annotated[str, Depends(where)]) -> AsyncIterator[str]:
        seen.append("open")
        try:
            yield f"session of {where}"
        except ConnectionError:
            seen.append("roll back")
            raise
        finally:
            seen.append("close")

    @task("uses", retry=RetryPolicy(max_attempts=2))
    async def uses(
        number: int, session: Annotated[str, Depends(session)] = injected, me: CurrentTask = injected
    ) -> str:
        if me.attempt == 1:
            raise ConnectionError
        return f"{session} {number}"

    app = make_app(TaskiqPlugin("t", tasks=[uses]))
    async with lifespan(app):
        sent = await component_of(app).get_task(uses).kiq(1)
        await finish_tasks(app)
        assert (await sent.get_result()).return_value == "session of tasks 1"
        app.get_asgi_app().dependency_overrides[where] = lambda: "elsewhere"
        sent = await component_of(app).get_task(uses).kiq(2)
        await finish_tasks(app)
        assert (await sent.get_result()).return_value == "session of elsewhere 2"
    assert seen == ["open", "roll back", "close", "open", "close"] * 2


async def test_a_task_can_send_tasks(seen: list[Any]) -> None:
    @task("inner")
    async def inner(number: int) -> None:
        seen.append(number)

    @task("outer")
    async def outer(tasks: Annotated[SchedulerComponent, Depends(depends_scheduler_component)] = injected) -> None:
        await tasks.get_task(inner).kiq(7)

    app = make_app(TaskiqPlugin("t", tasks=[inner, outer]))
    async with lifespan(app):
        await component_of(app).get_task(outer).kiq()
        await finish_tasks(app)
    assert seen == [7]


async def test_a_task_knows_itself_also_in_what_it_depends_on(seen: list[Any]) -> None:
    async def deep(me: CurrentTask) -> TaskContext:
        return me

    @task("knows", time_limit_seconds=60, retry=RetryPolicy(max_attempts=3))
    async def knows(me: CurrentTask = injected, deep: Annotated[TaskContext, Depends(deep)] = injected) -> None:
        assert me is deep is current_task()
        seen.append(me)

    app = make_app(TaskiqPlugin("t", tasks=[knows]))
    async with lifespan(app):
        sent = await component_of(app).get_task(knows).kicker().with_labels(tenant="acme").kiq()
        await finish_tasks(app)
    (me,) = seen
    assert (me.task_id, me.name, me.attempt, me.max_attempts, me.deliveries) == (sent.task_id, "knows", 1, 3, 1)
    assert me.labels["tenant"] == "acme"
    assert timedelta(seconds=50) < me.deadline - datetime.now(UTC) < timedelta(seconds=60)
    assert 50 < me.seconds_left < 60
    assert not me.is_last_attempt
    with pytest.raises(TaskiqPluginBaseError, match="no task runs here"):
        current_task()


# --- failing ---


async def test_a_failing_task_is_tried_again_with_the_same_id_and_then_parked(seen: list[Any]) -> None:
    @task("fails", retry=RetryPolicy(max_attempts=3, base_seconds=100))
    async def fails(number: int, me: CurrentTask = injected) -> None:
        seen.append((me.attempt, me.task_id, me.is_last_attempt, number))
        raise ConnectionError("nobody there")

    app = make_app(TaskiqPlugin("t", tasks=[fails]))
    async with lifespan(app):
        component = component_of(app)
        sent = await component.get_task(fails).kiq(5)
        await finish_tasks(app)
        assert seen == [(attempt, sent.task_id, attempt == 3, 5) for attempt in (1, 2, 3)]
        result = await sent.get_result()
        assert isinstance(result.error, ConnectionError)
        (dead,) = await component.dead_letters.list()
        assert (dead.task_id, dead.task_name, dead.cause) == (sent.task_id, "fails", "ConnectionError: nobody there")
        assert await component.dead_letters.requeue_all() == 1
        await finish_tasks(app)
        assert [attempt for attempt, *_ in seen[3:]] == [1, 2, 3]
        assert await component.dead_letters.count() == 1
        assert await component.dead_letters.delete(sent.task_id)
        assert not await component.dead_letters.requeue(sent.task_id)


async def test_an_error_that_no_attempt_mends_parks_at_once(seen: list[Any]) -> None:
    @task("picky", retry=RetryPolicy(retry_on=(ConnectionError,)))
    async def picky() -> None:
        seen.append("tried")
        raise HTTPException(404)

    app = make_app(TaskiqPlugin("t", tasks=[picky]))
    async with lifespan(app):
        await component_of(app).get_task(picky).kiq()
        await finish_tasks(app)
        assert await component_of(app).dead_letters.count() == 1
    assert seen == ["tried"]


async def test_an_attempt_is_ended_at_its_time_limit(seen: list[Any]) -> None:
    @task("endless", time_limit_seconds=0.05, retry=RetryPolicy(max_attempts=1))
    async def endless() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            seen.append("ended")

    app = make_app(TaskiqPlugin("t", tasks=[endless]))
    async with lifespan(app):
        sent = await component_of(app).get_task(endless).kiq()
        await finish_tasks(app)
        assert isinstance((await sent.get_result()).error, TaskTimeLimitError)
    assert seen == ["ended"]


async def test_a_timeout_or_a_cancellation_of_the_tasks_own_is_its_failure() -> None:
    @task("times_out", retry=RetryPolicy(max_attempts=1))
    async def times_out() -> None:
        raise TimeoutError("mine")

    @task("cancels", retry=RetryPolicy(max_attempts=1))
    async def cancels() -> None:
        raise asyncio.CancelledError

    app = make_app(TaskiqPlugin("t", tasks=[times_out, cancels]))
    async with lifespan(app):
        first = await component_of(app).get_task(times_out).kiq()
        second = await component_of(app).get_task(cancels).kiq()
        await finish_tasks(app)
        assert str((await first.get_result()).error) == "mine"
        assert "cancelled itself" in str((await second.get_result()).error)


async def test_a_result_without_a_json_form_is_a_failure_that_is_not_tried_again(seen: list[Any]) -> None:
    @task("opaque")
    async def opaque() -> Any:
        seen.append("done")
        return object()

    app = make_app(TaskiqPlugin("t", tasks=[opaque]))
    async with lifespan(app):
        sent = await component_of(app).get_task(opaque).kiq()
        await finish_tasks(app)
        assert isinstance((await sent.get_result()).error, TaskArgumentsError)
    assert seen == ["done"]


async def test_a_task_that_nobody_knows_waits_for_the_next_release_and_is_then_parked() -> None:
    app = make_app(TaskiqPlugin("t"))
    async with lifespan(app):
        broker = component_of(app).broker
        message = TaskiqMessage(task_id="1", task_name="new", labels={}, args=[], kwargs={})
        await broker.kick(broker.formatter.dumps(message))
        await finish_tasks(app)
        (dead,) = await component_of(app).dead_letters.list()
        assert "no worker knows" in dead.cause


async def test_what_cannot_be_read_is_parked() -> None:
    app = make_app(TaskiqPlugin("t"))
    async with lifespan(app):
        broker = component_of(app).broker
        message = broker.formatter.dumps(TaskiqMessage(task_id="1", task_name="x", labels={}, args=[], kwargs={}))
        await broker.kick(message.model_copy(update={"message": b"\xff not json"}))
        await finish_tasks(app)
        (dead,) = await component_of(app).dead_letters.list()
        assert (dead.task_id, dead.cause) == ("1", "the message cannot be read")


# --- stopping ---


async def test_a_stop_gives_back_what_takes_too_long_and_counts_it(seen: list[Any]) -> None:
    @task("long")
    async def long() -> None:
        seen.append("begun")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    app = make_app(TaskiqPlugin("t", tasks=[long]), server=IMPATIENT)
    async with lifespan(app):
        sent = await component_of(app).get_task(long).kiq()
        while not seen:
            await asyncio.sleep(0.01)
        with pytest.raises(ResultGetError):
            await component_of(app).result_backend.get_result(sent.task_id)
    assert seen == ["begun", "cancelled"]
    assert app.work.report() == {"tasks": {"in_flight": 1, "finished": 0, "given_back": 1}}


async def test_a_drain_takes_nothing_new_and_lets_what_runs_finish(seen: list[Any]) -> None:
    @task("short")
    async def short(name: str) -> None:
        seen.append(f"begin {name}")
        await asyncio.sleep(0.1)
        seen.append(f"end {name}")

    app = make_app(TaskiqPlugin("t", tasks=[short]))
    async with lifespan(app):
        await component_of(app).get_task(short).kiq("first")
        while not seen:
            await asyncio.sleep(0.01)
        app.begin_drain()
        await asyncio.sleep(0)
        await component_of(app).get_task(short).kiq("second")
    assert seen == ["begin first", "end first"]
    assert app.work.report()["tasks"] == {"in_flight": 1, "finished": 1, "given_back": 0}


async def test_no_more_tasks_run_at_a_time_than_configured(seen: list[Any]) -> None:
    running = 0

    @task("counts")
    async def counts() -> None:
        nonlocal running
        running += 1
        seen.append(running)
        await asyncio.sleep(0.005)
        running -= 1

    app = make_app(TaskiqPlugin("t", tasks=[counts]), taskiq={"in_memory": True, "concurrency": 3})
    async with lifespan(app):
        for _ in range(20):
            await component_of(app).get_task(counts).kiq()
        await finish_tasks(app)
    assert max(seen) == 3
    assert len(seen) == 20


# --- the rest of the surroundings ---


async def test_schedules_fire_in_memory_as_well(seen: list[Any]) -> None:
    @task("tick", schedules=[Every(seconds=1)])
    async def tick(me: CurrentTask = injected) -> None:
        seen.append((me.schedule_id, me.due_at))

    @task("note")
    async def note(text: str) -> None:
        seen.append(text)

    app = make_app(TaskiqPlugin("t", tasks=[tick, note]))
    async with lifespan(app):
        source = component_of(app).scheduler_source
        await component_of(app).get_task(note).schedule_at(datetime.now(UTC), "now")
        kept = await component_of(app).get_task(note).schedule_cron("0 0 29 2 *", "leap")
        async with asyncio.timeout(10):
            while len(seen) < 2:
                await asyncio.sleep(0.01)
        assert [schedule.schedule_id for schedule in await source.get_schedules()] == [kept.schedule_id]
        await kept.unschedule()
        assert await source.get_schedules() == []
    assert "now" in seen
    schedule_id, due_at = next(each for each in seen if each != "now")
    assert schedule_id == "tick every 1 s"
    assert due_at.microsecond == 0


async def test_taskiqs_middlewares_are_called(seen: list[Any]) -> None:
    class Middleware(TaskiqMiddleware):
        def pre_send(self, message: TaskiqMessage) -> TaskiqMessage:
            message.labels["stamp"] = "sent"
            return message

        async def post_send(self, message: TaskiqMessage) -> None:
            raise ConnectionError("a middleware's own trouble")

        async def pre_execute(self, message: TaskiqMessage) -> TaskiqMessage:
            seen.append(("pre_execute", message.labels["stamp"]))
            return message

        def on_error(self, message: TaskiqMessage, result: TaskiqResult[Any], exception: BaseException) -> None:
            seen.append(("on_error", str(exception)))

        def post_execute(self, message: TaskiqMessage, result: TaskiqResult[Any]) -> None:
            seen.append(("post_execute", result.is_err))

        async def post_save(self, message: TaskiqMessage, result: TaskiqResult[Any]) -> None:
            seen.append(("post_save", result.is_err))

    @task("odd", retry=RetryPolicy(max_attempts=1))
    async def odd(number: int) -> None:
        if number % 2:
            raise ValueError("odd")

    app = make_app(TaskiqPlugin("t", lambda component: component.broker.add_middlewares(Middleware()), tasks=[odd]))
    async with lifespan(app):
        for number in (1, 2):
            await component_of(app).get_task(odd).kiq(number)
            await finish_tasks(app)
    assert seen == [
        ("pre_execute", "sent"),
        ("on_error", "odd"),
        ("post_execute", True),
        ("post_save", True),
        ("pre_execute", "sent"),
        ("post_execute", False),
        ("post_save", False),
    ]


async def test_a_task_inherits_the_log_context_of_its_sender_and_of_nobody_else(seen: list[Any]) -> None:
    @task("context")
    async def context() -> None:
        seen.append(structlog.contextvars.get_contextvars())

    app = make_app(TaskiqPlugin("t", tasks=[context]))
    async with lifespan(app):
        with structlog.contextvars.bound_contextvars(trace_id="abc", user=7, connection=object(), task="sender"):
            first = await component_of(app).get_task(context).kiq()
        second = await component_of(app).get_task(context).kiq()
        await finish_tasks(app)
    assert seen == [
        {"trace_id": "abc", "user": 7, "task": "context", "task_id": first.task_id, "attempt": 1},
        {"task": "context", "task_id": second.task_id, "attempt": 1},
    ]


# --- set-up ---


def test_two_tasks_of_one_name_are_refused_when_the_application_is_built() -> None:
    async def one() -> None: ...

    with pytest.raises(ValueError, match="Task same already registered"):
        make_app(TaskiqPlugin("t", tasks=[task("same")(one), task("same")(one)]))


def test_a_task_that_cannot_be_one_is_refused_when_the_application_is_built() -> None:
    async def opaque(thing: App) -> None: ...

    with pytest.raises(TaskDefinitionError, match="task opaque"):
        make_app(TaskiqPlugin("t", tasks=[task("opaque")(opaque)]))


async def test_a_hook_that_fails_is_told_as_the_plugins_failure() -> None:
    def hook(component: SchedulerComponent) -> None:
        component.get_task("missing")

    with pytest.raises(PluginStartError, match="Task missing not registered"):
        async with lifespan(make_app(TaskiqPlugin("t", hook))):
            pass


@pytest.mark.parametrize(
    ("role", "settings", "runs", "fires"),
    [
        (ProcessRole.WEB, {}, False, False),
        (ProcessRole.WEB, {"run_in_web": True}, True, False),
        (ProcessRole.WEB, {"schedule_in": "web"}, False, True),
        (ProcessRole.WORKER, {}, True, False),
        (ProcessRole.WORKER, {"schedule_in": "worker"}, True, True),
        (ProcessRole.SCHEDULER, {}, False, True),
        (ProcessRole.SCHEDULER, {"schedule_in": "web", "run_in_web": True}, False, True),
        (ProcessRole.WEB, {"in_memory": True}, True, True),
    ],
)
def test_each_process_does_what_it_is_there_for(
    role: ProcessRole, settings: dict[str, Any], runs: bool, fires: bool
) -> None:
    plugin = make_app(TaskiqPlugin("t"), role, taskiq=settings).plugins[0]
    assert isinstance(plugin, TaskiqPlugin)
    assert (plugin._runs_tasks, plugin._fires_schedules) == (runs, fires)


async def test_finishing_tasks_needs_them_in_memory() -> None:
    app = make_app(TaskiqPlugin("t"), taskiq={})
    async with lifespan(app):
        with pytest.raises(TypeError, match="in_memory"):
            await finish_tasks(app)
