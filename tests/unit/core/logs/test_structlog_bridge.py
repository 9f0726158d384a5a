import json
from typing import Any

import structlog

from fastapi_factory_utilities.core.logs import Logger, configure_logging, reset_logging

SETUP = (
    "from fastapi_factory_utilities.core.logs import configure_logging\nconfigure_logging('json', {'quiet': 'ERROR'})\n"
)
USE = """
log = structlog.get_logger("x", bound=1)
log.info("event", value=2)
structlog.get_logger("quiet").warning("unheard")
"""


def test_structlog_is_served_whether_it_is_imported_before_or_after(run_python: Any) -> None:
    for program in (f"import structlog\n{SETUP}{USE}", f"{SETUP}import structlog\n{USE}"):
        done = run_python(program)
        (line,) = map(json.loads, done.stdout.splitlines())
        assert (line["logger"], line["event"], line["bound"], line["value"]) == ("x", "event", 1, 2), done.stderr


def test_a_late_import_of_one_of_its_modules_is_noticed_as_well(run_python: Any) -> None:
    done = run_python(f"{SETUP}from structlog.contextvars import bind_contextvars\nimport structlog\n{USE}")
    assert json.loads(done.stdout)["event"] == "event"


def test_a_late_import_leaves_no_trace_of_ours_in_the_module(run_python: Any) -> None:
    done = run_python(f"""
{SETUP}
import sys, structlog
import importlib.resources
assert type(structlog.__spec__.loader).__name__ == "SourceFileLoader", structlog.__spec__
assert type(structlog.__loader__).__name__ == "SourceFileLoader"
assert not any("fastapi_factory_utilities" in type(finder).__module__ for finder in sys.meta_path)
""")
    assert done.returncode == 0, done.stderr


def test_its_loggers_are_ours() -> None:
    configure_logging("json")
    assert isinstance(structlog.get_logger("x").bind(), Logger)


def test_a_logger_without_a_name_gets_its_modules(lines: Any) -> None:
    configure_logging("json")
    structlog.get_logger().info("e")
    assert lines()[0]["logger"] == __name__


def test_processors_that_a_service_adds_run_before_the_line_is_made(lines: Any) -> None:
    def add_region(_: object, __: str, event: Any) -> Any:
        return event | {"region": "eu", "password": "hunter2"}

    def drop_noise(_: object, __: str, event: Any) -> Any:
        if event["event"] == "noise":
            raise structlog.DropEvent
        return event

    configure_logging("json")
    structlog.get_config()["processors"].extend([add_region, drop_noise])
    structlog.get_logger("x").info("noise")
    structlog.get_logger("x").info("signal")
    (line,) = lines()
    assert (line["event"], line["region"], line["password"]) == ("signal", "eu", "***")


def test_the_text_of_a_renderer_becomes_the_event(lines: Any) -> None:
    configure_logging("json")
    structlog.wrap_logger(None, processors=[structlog.processors.LogfmtRenderer()], logger_factory_args=("x",)).info(
        "e", a=1
    )
    assert lines()[0]["event"] == "a=1 event=e"


def test_resetting_gives_structlog_back_as_it_was() -> None:
    structlog.reset_defaults()
    configure_logging("json")
    reset_logging()
    assert not structlog.is_configured()
    processors = [structlog.processors.JSONRenderer()]
    structlog.configure(processors=processors)
    configure_logging("json")
    configure_logging("console")
    reset_logging()
    assert structlog.get_config()["processors"] is processors
    structlog.reset_defaults()
