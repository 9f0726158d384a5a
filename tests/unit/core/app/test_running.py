"""Plugins start in order, stop in reverse, and every failure is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from fastapi_factory_utilities.core.app.running import running
from fastapi_factory_utilities.core.plugins import PluginAbstract, PluginStartError, PluginStopError


class Recorder(PluginAbstract):
    """Writes down what happens to it, and fails or hangs where it is told to."""

    def __init__(self, label: str, log: list[str], *, start: str = "", stop: str = "") -> None:
        super().__init__()
        self.label = label
        self.log = log
        self.start, self.stop = start, stop

    @property
    def name(self) -> str:
        return self.label

    async def on_startup(self) -> None:
        await self._do(self.start)
        self.log.append(f"+{self.label}")

    async def on_shutdown(self) -> None:
        await self._do(self.stop)
        self.log.append(f"-{self.label}")

    async def _do(self, what: str) -> None:
        if what == "fail":
            raise RuntimeError(f"{self.label} broke")
        while what in {"hang", "stubborn"}:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if what == "hang" or self.log[-1:] == ["let go"]:
                    raise


async def test_they_start_in_order_and_stop_in_reverse() -> None:
    log: list[str] = []
    async with running([Recorder(label, log) for label in "abc"]):
        log.append("body")
    assert log == ["+a", "+b", "+c", "body", "-c", "-b", "-a"]


async def test_a_failing_start_stops_those_before_it_and_carries_its_cause() -> None:
    log: list[str] = []
    plugins = [Recorder("a", log), Recorder("b", log), Recorder("c", log, start="fail"), Recorder("d", log)]
    with pytest.raises(PluginStartError, match="c failed to start: RuntimeError: c broke") as caught:
        async with running(plugins):
            pytest.fail("the body must not run")
    assert log == ["+a", "+b", "-b", "-a"]
    assert caught.value.fields == {"plugin": "c", "phase": "start"}
    assert isinstance(caught.value.__cause__, RuntimeError)


async def test_one_failing_stop_skips_no_other_and_all_are_told() -> None:
    log: list[str] = []
    plugins = [Recorder("a", log, stop="fail"), Recorder("b", log), Recorder("c", log, stop="fail")]
    with pytest.raises(ExceptionGroup) as caught:
        async with running(plugins):
            pass
    assert log == ["+a", "+b", "+c", "-b"]
    assert [error.fields["plugin"] for error in caught.value.exceptions if isinstance(error, PluginStopError)] == [
        "c",
        "a",
    ]


async def test_a_failing_start_and_the_stops_that_fail_after_it_are_one_error() -> None:
    log: list[str] = []
    with pytest.raises(ExceptionGroup) as caught:
        async with running([Recorder("a", log, stop="fail"), Recorder("b", log, start="fail")]):
            pass
    assert [type(error) for error in caught.value.exceptions] == [PluginStartError, PluginStopError]


async def test_a_failing_body_is_not_blamed_on_a_plugin() -> None:
    log: list[str] = []
    with pytest.raises(KeyError):
        async with running([Recorder("a", log), Recorder("b", log)]):
            raise KeyError("body")
    assert log == ["+a", "+b", "-b", "-a"]


async def test_a_hanging_stop_costs_its_share_and_no_more() -> None:
    log: list[str] = []
    plugins = [Recorder("a", log), Recorder("b", log, stop="hang"), Recorder("c", log)]
    async with asyncio.timeout(5):
        with pytest.raises(ExceptionGroup) as caught:
            async with running(plugins, grace_seconds=0.2):
                pass
    assert log == ["+a", "+b", "+c", "-c", "-a"]
    assert "b did not stop within" in str(caught.value)


async def test_of_many_plugins_one_may_take_more_than_an_equal_share() -> None:
    class Slow(Recorder):
        @asynccontextmanager
        async def lifespan(self) -> AsyncIterator[None]:
            yield
            await asyncio.sleep(0.6)  # an equal share is 0.3

    log: list[str] = []
    async with running([*(Recorder(str(number), log) for number in range(9)), Slow("slow", log)], grace_seconds=3):
        pass
    assert len(log) == 18


async def test_a_stop_that_swallows_its_cancellation_is_left_behind() -> None:
    log: list[str] = []
    plugins = [Recorder("a", log), Recorder("b", log, stop="stubborn")]
    async with asyncio.timeout(5):
        with pytest.raises(ExceptionGroup):
            async with running(plugins, grace_seconds=0.2):
                pass
    assert log == ["+a", "+b", "-a"]
    log.append("let go")
    for task in asyncio.all_tasks():
        if task.get_name() == "plugin b":
            task.cancel()
            await asyncio.wait([task])


async def test_a_hanging_start_is_given_up() -> None:
    log: list[str] = []
    async with asyncio.timeout(5):
        with pytest.raises(PluginStartError, match=r"b did not start within 0\.1 s"):
            async with running([Recorder("a", log), Recorder("b", log, start="hang")], start_seconds=0.1):
                pass
    assert log == ["+a", "-a"]


async def test_a_lifespan_that_never_yields_is_a_failed_start() -> None:
    class Early(PluginAbstract):
        @asynccontextmanager
        async def lifespan(self) -> AsyncIterator[None]:
            if self.is_bound:
                yield

    with pytest.raises(PluginStartError, match="Early failed to start"):
        async with running([Early()]):
            pass


async def test_a_cancelled_body_still_stops_the_plugins() -> None:
    log: list[str] = []

    async def live() -> None:
        async with running([Recorder("a", log), Recorder("b", log, stop="fail")]):
            log.append("body")
            await asyncio.Event().wait()

    task = asyncio.create_task(live())
    while "body" not in log:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log == ["+a", "+b", "body", "-a"]


async def test_the_same_plugins_can_run_again() -> None:
    log: list[str] = []
    plugins = [Recorder("a", log)]
    for _ in range(2):
        async with running(plugins):
            pass
    assert log == ["+a", "-a"] * 2
