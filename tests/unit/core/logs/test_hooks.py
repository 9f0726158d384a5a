import json
from typing import Any

SETUP = """
import asyncio, sys, threading
from fastapi_factory_utilities.core.logs import *
configure_logging("json")
install_exception_hooks()
"""


def told(done: Any) -> list[dict[str, Any]]:
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_what_ends_the_process_is_logged_once_in_the_shape_of_all_lines(run_python: Any) -> None:
    done = run_python(f"{SETUP}\nraise ValueError('the end')")
    (line,) = told(done)
    assert done.returncode == 1
    assert (line["level"], line["event"]) == ("critical", "unhandled exception")
    assert (line["exception"]["type"], line["exception"]["message"]) == ("ValueError", "the end")


def test_what_ends_a_thread_is_logged_once_with_its_name(run_python: Any) -> None:
    done = run_python(f"""{SETUP}
def work(): raise ValueError("in a thread")
thread = threading.Thread(target=work, name="worker-7"); thread.start(); thread.join()
threading.Thread(target=sys.exit).start()
""")
    (line,) = told(done)
    assert (line["level"], line["event"], line["thread"]) == ("error", "unhandled exception in a thread", "worker-7")


def test_what_a_task_raised_unseen_is_logged_once(run_python: Any) -> None:
    done = run_python(f"""{SETUP}
import gc
async def failing(): raise ValueError("in a task")
async def main():
    install_loop_exception_handler()
    task = asyncio.create_task(failing(), name="refresher")
    await asyncio.sleep(0.01)
    del task
    gc.collect()
    asyncio.get_running_loop().call_soon(lambda: 1 / 0)
    await asyncio.sleep(0.01)
asyncio.run(main())
""")
    first, second = told(done)
    assert (first["event"], first["task"]) == ("unhandled exception in the event loop", "refresher")
    assert first["exception"]["message"] == "in a task"
    assert second["exception"]["type"] == "ZeroDivisionError"


def test_what_nobody_can_catch_is_logged(run_python: Any) -> None:
    done = run_python(f"""{SETUP}
class Careless:
    def __del__(self): raise ValueError("while leaving")
Careless()
""")
    (line,) = told(done)
    assert (line["event"], line["exception"]["message"]) == ("exception ignored", "while leaving")


def test_an_interrupt_from_the_keyboard_is_left_to_python(run_python: Any) -> None:
    done = run_python(f"{SETUP}\nraise KeyboardInterrupt")
    assert done.stdout == ""
    assert "KeyboardInterrupt" in done.stderr


def test_resetting_puts_the_hooks_back(run_python: Any) -> None:
    done = run_python(f"""
import sys, threading
before = sys.excepthook, threading.excepthook, sys.unraisablehook
{SETUP}
install_exception_hooks()
reset_logging()
assert (sys.excepthook, threading.excepthook, sys.unraisablehook) == before
""")
    assert done.returncode == 0, done.stderr
