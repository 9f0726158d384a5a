"""`no_leaks` finds what was left behind, names it, and gives it a moment to end."""

import asyncio
import socket
import threading

import pytest

from fastapi_factory_utilities.testing import no_leaks

IMPATIENT = 0.05


def test_a_block_that_cleans_up_passes() -> None:
    with no_leaks(), socket.socket():
        pass


def test_a_socket_left_open_is_named_with_its_address() -> None:
    opened: list[socket.socket] = []
    with pytest.raises(AssertionError, match=r"socket.*'127.0.0.1'"), no_leaks(deadline_seconds=IMPATIENT):
        opened.append(socket.create_server(("127.0.0.1", 0)))
    opened[0].close()


def test_a_thread_left_running_is_named() -> None:
    end = threading.Event()
    thread = threading.Thread(target=end.wait, name="forgotten")
    with pytest.raises(AssertionError, match="thread 'forgotten'"), no_leaks(deadline_seconds=IMPATIENT):
        thread.start()
    end.set()
    thread.join()


def test_a_thread_that_ends_soon_after_the_block_is_no_leak() -> None:
    thread = threading.Thread(target=threading.Event().wait, args=(0.1,))
    with no_leaks():
        thread.start()
    thread.join()


async def test_a_task_left_running_is_named_with_where_it_waits() -> None:
    with pytest.raises(AssertionError, match=r"task 'forgotten' \(Event.wait, waiting in .*locks.py"):
        async with no_leaks(deadline_seconds=IMPATIENT):
            task = asyncio.create_task(asyncio.Event().wait(), name="forgotten")
    task.cancel()


async def test_a_task_that_ends_soon_after_the_block_is_no_leak() -> None:
    async with no_leaks():
        task = asyncio.create_task(asyncio.sleep(0.05))
    assert task.done()


async def test_the_loops_own_worker_threads_are_no_leak() -> None:
    async with no_leaks(deadline_seconds=IMPATIENT):
        await asyncio.to_thread(int)


def test_a_whole_event_loop_leaves_nothing() -> None:
    async def work() -> None:
        await asyncio.to_thread(int)

    with no_leaks():
        asyncio.run(work())


def test_a_socket_that_replaces_one_of_before_on_the_same_descriptor_is_a_leak() -> None:
    opened = [socket.socket()]

    def replace() -> None:
        opened[0].close()
        opened[0] = socket.socket()

    with pytest.raises(AssertionError, match="socket"), no_leaks(deadline_seconds=IMPATIENT):
        replace()
    opened[0].close()


def test_the_error_of_the_block_is_the_news() -> None:
    opened: list[socket.socket] = []

    def fail() -> None:
        opened.append(socket.socket())
        raise KeyError

    with pytest.raises(KeyError), no_leaks(deadline_seconds=IMPATIENT):
        fail()
    opened[0].close()


def test_listening_again_where_somebody_listened_before_is_no_leak() -> None:
    opened = [socket.create_server(("127.0.0.1", 0))]
    with no_leaks(deadline_seconds=IMPATIENT):
        address = opened[0].getsockname()
        opened[0].close()
        with socket.socket():  # so that the new one is on another descriptor
            opened[0] = socket.create_server(address)
    opened[0].close()
