"""`TaskiqPlugin`: tasks that are sent here and run there, and schedules that send them (FR26-FR29)."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from fastapi_factory_utilities.core.plugins.config import PluginConfig
from fastapi_factory_utilities.core.plugins.connection import ConnectionPlugin
from fastapi_factory_utilities.core.plugins.extras import require_extra
from fastapi_factory_utilities.core.plugins.redis_client import RedisConfig
from fastapi_factory_utilities.core.plugins.roles import ProcessRole
from fastapi_factory_utilities.core.plugins.taskiq_plugins.config import TaskiqConfig
from fastapi_factory_utilities.core.plugins.taskiq_plugins.errors import TaskRegistrationError
from fastapi_factory_utilities.core.plugins.taskiq_plugins.provided import depends_scheduler_component

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.taskiq_plugins.backends import Backend
    from fastapi_factory_utilities.core.plugins.taskiq_plugins.component import SchedulerComponent
    from fastapi_factory_utilities.core.plugins.taskiq_plugins.running import TaskWorker
    from fastapi_factory_utilities.core.plugins.taskiq_plugins.tasks import Task

__all__ = ["RegisterHook", "TaskiqPlugin"]

type RegisterHook = Callable[["SchedulerComponent"], object]

# Of what the plugin may take to stop; the rest is for giving back, and for closing.
_FINISHING_SHARE = 0.7


class TaskiqPlugin(ConnectionPlugin[RedisConfig, "SchedulerComponent"]):
    """Sends, runs and schedules tasks, which wait in Redis.

    Every process can send. Those of `worker` run tasks, those of `scheduler` fire schedules; the section `taskiq` can
    let serving processes do both. Give tasks, or a hook that registers them::

        TaskiqPlugin("books", tasks=[index_book, report])
        TaskiqPlugin("books", register_hook=lambda tasks: tasks.register_task(index_book, "index_book"))

    Args:
        name_suffix: What the queue is called within the service, so that a service may have several in one Redis.
        register_hook: Called with the component at every start, to register tasks.
        tasks: What `task(...)` made.
        config: Instead of the section `redis`.
    """

    section: ClassVar[str] = "redis"
    more_sections: ClassVar[Mapping[str, type[PluginConfig]]] = {"taskiq": TaskiqConfig}
    component: ClassVar[str] = "task_queue:Taskiq"
    provides = depends_scheduler_component

    def __init__(
        self,
        name_suffix: str,
        register_hook: RegisterHook | None = None,
        *,
        tasks: "Iterable[Task[..., Any]]" = (),
        config: RedisConfig | None = None,
    ) -> None:
        super().__init__(config)
        self._name_suffix = name_suffix
        self._register_hook = register_hook
        self._tasks = tuple(tasks)
        self._backend: Backend | None = None
        self._worker: TaskWorker | None = None

    def on_load(self) -> None:
        """Check that the extra is installed, and that the tasks can be tasks.

        Raises:
            MissingExtraError: It is not.
            TaskDefinitionError: A function cannot be a task.
            TaskRegistrationError: Two tasks have one name.
        """
        require_extra("taskiq", "taskiq", "redis")
        names = Counter(task.name for task in self._tasks)
        twice = sorted(name for name, count in names.items() if count > 1)
        if twice:
            raise TaskRegistrationError(f"Task {twice[0]} already registered", task=twice[0])
        for task in self._tasks:
            task.check()

    @property
    def settings(self) -> TaskiqConfig:
        """The section `taskiq`."""
        settings: TaskiqConfig = getattr(self.context.config, "taskiq")  # noqa: B009 - a field that the builder adds
        return settings

    @property
    def queue_name(self) -> str:
        """What all keys in Redis begin with; in braces, so that a cluster keeps them together."""
        application = self.context.config.application
        return f"{{tasks:{application.service_namespace}:{application.service_name}:{self._name_suffix}}}"

    @asynccontextmanager
    async def open(self) -> "AsyncIterator[SchedulerComponent]":
        """Make the component, its queue and its client, and register the tasks."""
        from fastapi_factory_utilities.core.plugins.taskiq_plugins import (  # noqa: PLC0415 - drivers
            backends,
            component,
            spans,
        )

        name, settings = self.queue_name, self.settings
        opened = (
            backends.memory_backend(name, settings)
            if settings.in_memory
            else backends.redis_backend(name, settings, self.config)
        )
        async with opened as backend:
            tasks = component.SchedulerComponent().configure(
                backend.broker,
                backend.source,
                backend.queue.dead_letters,
                spans.TaskSpans(self.context.telemetry, name),
            )
            for task in self._tasks:
                tasks.register_task(task)
            if self._register_hook is not None:
                self._register_hook(tasks)
            self._backend = backend
            try:
                yield tasks
            finally:
                self._backend = None

    async def ping(self, client: "SchedulerComponent") -> object:  # noqa: ARG002 - its queue is asked
        """Ask Redis whether it answers."""
        return await self._open_backend.ping()

    async def ready(self, client: "SchedulerComponent") -> None:  # noqa: ARG002 - likewise
        """Make the consumer group, which a server that came back empty has not."""
        await self._open_backend.queue.prepare()

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Run tasks and fire schedules where this process is there for it."""
        app = self.context.asgi_app
        async with super().lifespan(), AsyncExitStack() as stack:
            component = self.provides.of(app)
            if self._runs_tasks:
                self._worker = self._make_worker(component)
                stack.callback(self._forget_worker)
                await stack.enter_async_context(self._worker.working())
            if self._fires_schedules:
                await stack.enter_async_context(self._scheduling(component))
            yield

    async def on_drain(self) -> None:
        """Take no new task; what is in flight goes on."""
        if self._worker is not None:
            await self._worker.pause()

    @property
    def _open_backend(self) -> "Backend":
        assert self._backend is not None  # noqa: S101 - it is open as long as anybody asks
        return self._backend

    @property
    def _runs_tasks(self) -> bool:
        role, settings = self.context.role, self.settings
        return settings.in_memory or role is ProcessRole.WORKER or (role is ProcessRole.WEB and settings.run_in_web)

    @property
    def _fires_schedules(self) -> bool:
        role, settings = self.context.role, self.settings
        return settings.in_memory or role in (ProcessRole.SCHEDULER, settings.schedule_in)

    def _make_worker(self, component: "SchedulerComponent") -> "TaskWorker":
        from fastapi_factory_utilities.core.plugins.taskiq_plugins import handling, running  # noqa: PLC0415 - drivers

        context = self.context
        share = context.config.server.stop_seconds / max(1, len(context.asgi_app.state.application.plugins))
        return running.TaskWorker(
            self._open_backend.queue,
            handling.TaskHandler(component, self.settings),
            app=context.asgi_app,
            work=context.work,
            concurrency=self.settings.concurrency,
            finish_seconds=share * _FINISHING_SHARE,
        )

    def _forget_worker(self) -> None:
        self._worker = None

    @asynccontextmanager
    async def _scheduling(self, component: "SchedulerComponent") -> AsyncIterator[None]:
        from fastapi_factory_utilities.core.plugins.taskiq_plugins import scheduling  # noqa: PLC0415 - drivers

        backend = self._open_backend
        async with scheduling.TaskScheduling(
            component,
            backend.queue,
            backend.source,
            backend.store,
            lease_seconds=self.settings.scheduler_lease_seconds,
            catch_up_seconds=self.settings.catch_up_seconds,
        ).scheduling():
            yield
