"""Whatever goes wrong, a listener begins again, and says once why it cannot."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from fastapi_factory_utilities.core.plugins.aiopika import Queue, TopologyError, consuming_loop
from fastapi_factory_utilities.core.plugins.aiopika.consuming import Consuming
from fastapi_factory_utilities.core.plugins.aiopika.consuming_loop import ConsumingLoop


class Connection:
    """A broker that is in trouble for a while."""

    def __init__(self, *troubles: Exception) -> None:
        self.troubles = list(troubles)

    async def ready(self) -> None:
        """It is."""

    def problem_with(self, item: Queue) -> Exception | None:
        return self.troubles.pop(0) if self.troubles else None

    async def open_channel(self, *, confirmed: bool) -> Any:
        async def close() -> None: ...

        return SimpleNamespace(is_closed=False, close=close)


class Taking:
    """Consumes for ever, once it could begin."""

    is_paused = False

    def __init__(self) -> None:
        self.began = asyncio.Event()

    async def begin(self, channel: Any) -> None:
        self.began.set()

    async def lost(self) -> None:
        await asyncio.Event().wait()


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consuming_loop, "_FIRST_PAUSE_SECONDS", 0)


async def events_of(*troubles: Exception) -> list[tuple[str, object]]:
    taking = Taking()
    loop = ConsumingLoop(cast("Consuming", taking), Connection(*troubles), [Queue("orders")], "ship")
    with capture_logs() as logs:
        running = asyncio.create_task(loop.run())
        async with asyncio.timeout(5):
            await taking.began.wait()
        await asyncio.sleep(0)
        running.cancel()
        await asyncio.wait({running})
    return [(entry["event"], entry.get("reason")) for entry in logs if entry["log_level"] != "debug"]


async def test_a_moment_of_trouble_is_not_worth_a_line() -> None:
    assert await events_of(TopologyError("wrong"), TopologyError("wrong")) == []


@pytest.mark.parametrize(
    ("trouble", "reason"), [(TopologyError("wrong"), "wrong"), (ZeroDivisionError("a bug"), "ZeroDivisionError: a bug")]
)
async def test_lasting_trouble_is_told_once_and_its_end_too(trouble: Exception, reason: str) -> None:
    assert await events_of(*[trouble] * 50) == [("listener cannot consume", reason), ("listener consumes again", None)]
