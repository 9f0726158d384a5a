"""How an outage of Redis is told by the loops of a worker."""

import asyncio

import pytest
from structlog.testing import capture_logs

from fastapi_factory_utilities.core.plugins.taskiq_plugins.streams_contact import Contact

AWAY = ConnectionError("away")


@pytest.fixture
async def contact() -> Contact:
    return Contact("{q}", longest_pause_seconds=0.01)


async def test_it_is_told_once_however_many_loops_fail_and_how_often(contact: Contact) -> None:
    with capture_logs() as told:
        for _ in range(50):
            await contact.failed("fetch", AWAY)
            await contact.failed("keep", AWAY)
        contact.answered("fetch")
        assert contact.steady_seconds() == 0.0, "the other loop still fails"
        contact.answered("keep")
        contact.answered("keep")
    assert [(entry["event"], entry["queue"]) for entry in told] == [
        ("task queue lost", "{q}"),
        ("task queue back", "{q}"),
    ]
    assert told[0]["error"] == "ConnectionError: away"


async def test_a_line_that_comes_and_goes_fills_no_log(contact: Contact) -> None:
    with capture_logs() as told:
        for _ in range(100):
            await contact.failed("fetch", AWAY)
            contact.answered("fetch")
    assert len(told) == 2


async def test_pauses_grow_up_to_their_limit() -> None:
    contact = Contact("{q}", longest_pause_seconds=0.1)
    pauses = []
    loop = asyncio.get_running_loop()
    for _ in range(5):
        began = loop.time()
        await contact.failed("fetch", AWAY)
        pauses.append(loop.time() - began)
    assert pauses[0] >= 0.025
    assert all(pause >= 0.05 for pause in pauses[1:])


async def test_how_long_all_is_well_begins_again_after_an_outage(contact: Contact) -> None:
    await asyncio.sleep(0.1)
    assert contact.steady_seconds() >= 0.1
    await contact.failed("fetch", AWAY)
    contact.answered("fetch")
    assert contact.steady_seconds() < 0.1
