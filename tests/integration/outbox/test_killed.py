"""The process is killed at every await: an entity is saved if, and only if, its message is delivered."""

import asyncio
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from tests.contracts.library import Books
from tests.integration.outbox.post import FAST, Database, Post, Recorder, eventually_so

ROOT = Path(__file__).parents[3]


async def kill_at_every_await(scenario: str, uri: str, path: Path) -> list[int]:
    """Run a scenario of `killed.py`; return how many suspensions it had, killed before and after each."""
    command = [sys.executable, "-m", "tests.integration.outbox.killed", scenario, uri, str(path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    environment.pop("COVERAGE_PROCESS_START", None)  # what is killed reports nothing, and measuring takes its time
    environment.pop("COVERAGE_PROCESS_CONFIG", None)
    done = await asyncio.to_thread(
        subprocess.run, command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [int(line) for line in done.stdout.split()]


async def test_killed_at_every_await_of_save_and_publish_the_entity_is_saved_iff_its_message_is_delivered(
    post: Post, database: Database, mongo_uri: str, tmp_path: Path
) -> None:
    suspensions = await kill_at_every_await("save", mongo_uri, tmp_path / "sent")
    assert min(suspensions) > 5, "a transaction, an insert, a message, a commit"
    books = Books(database)
    saved = set(await books.titles())
    sender = Recorder()
    async with post.relaying(sender):
        await eventually_so(lambda: _are_sent(post, len(saved)))
    assert saved == set(await books.titles()), "nothing came late"
    assert sorted(sender.sent) == sorted(saved), "each once: nobody was killed while relaying"
    all_runs = {
        f"{moment}-{at + 1}" for moment, n in zip(("before", "after"), suspensions, strict=True) for at in range(n)
    }
    assert all_runs - saved, "some died before the commit"
    assert all_runs & saved, "some died after it"


async def test_killed_at_every_await_of_the_relay_every_message_is_delivered_in_order(
    database: Database, mongo_uri: str, tmp_path: Path
) -> None:
    path = tmp_path / "sent"
    suspensions = await kill_at_every_await("relay", mongo_uri, path)
    assert min(suspensions) > 5, "a lease, a look, four messages, a mark"
    delivered: dict[str, list[str]] = defaultdict(list)
    for line in path.read_text().splitlines():
        run, message_id = line.split()
        delivered[run].append(message_id)
    runs = [f"{moment}-{at + 1}" for moment, n in zip(("before", "after"), suspensions, strict=True) for at in range(n)]

    async def finish(run: str) -> None:
        post = Post(database, FAST.model_copy(update={"collection": run}))
        confirmed = {name for name, state in (await post.states()).items() if state == "sent"}
        sender = Recorder()
        async with post.relaying(sender):
            await eventually_so(lambda: _are_sent(post, 4), seconds=30)
        assert not confirmed & set(sender.sent), "what was marked is not sent again"
        delivered[run] += sender.sent

    for begin in range(0, len(runs), 20):
        await asyncio.gather(*(finish(run) for run in runs[begin : begin + 20]))
    for run in runs:
        ids = [f"{run}/{number}" for number in range(4)]
        assert set(delivered[run]) == set(ids)
        assert all(delivered[run].count(each) <= 2 for each in ids), "twice, where the confirm was lost"
        assert delivered[run].index(ids[0]) < delivered[run].index(ids[1]), "in the order of their key"
    assert any(len(delivered[run]) > 4 for run in runs), "some died between the confirm and the mark"
    assert any(len(delivered[run]) == 4 for run in runs)


async def test_killed_at_every_await_of_the_embedded_mode_the_entity_is_saved_iff_its_message_is_delivered(
    post: Post, database: Database, mongo_uri: str, tmp_path: Path
) -> None:
    suspensions = await kill_at_every_await("embedded", mongo_uri, tmp_path / "sent")
    assert min(suspensions) > 5, "an insert, and what takes the message out again"
    saved = set(await Books(database).titles())
    sender = Recorder()
    async with post.relaying(sender, embedded_in=("books",)):
        await eventually_so(lambda: _are_sent(post, len(saved)))
    assert sorted(sender.sent) == sorted(saved)
    assert await database["books"].find_one({"_outbox": {"$exists": True}}) is None
    assert 0 < len(saved) < sum(suspensions)


async def _are_sent(post: Post, count: int) -> bool:
    return list((await post.states()).values()) == ["sent"] * count
