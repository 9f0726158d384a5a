"""What a log line, an access line and a suppressed one cost, and what setting logging up costs.

Lines go to a file, with three ids bound around them and ten secrets known. Goals are absolute here: microseconds of CPU
for each line, system calls included. Run it with `python -m benchmarks.bench_logs`; see `benchmarks/_harness.py`.
"""

import json
import logging
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

import structlog
from structlog.contextvars import bind_contextvars, clear_contextvars, merge_contextvars
from uvicorn.logging import AccessFormatter

from benchmarks._harness import Report, arguments, finish
from benchmarks.bench_start import import_cpu
from fastapi_factory_utilities.core.logs import AccessLog, configure_logging, get_logger, log_request, reset_logging
from fastapi_factory_utilities.core.redaction import has_secret, redact, register_secrets

CALLS = 2_000
SCOPE = {"type": "http", "method": "GET", "path": "/api/v1/books/0b7f9d7e", "client": ("10.1.2.3", 4711)}
VALUES: dict[str, Any] = {"book_id": "0b7f9d7e-8a51-4dbd", "title": "The Left Hand of Darkness", "duration_ms": 12.345}
IDS = {
    "request_id": "0b7f9d7e-8a51-4dbd-a7be-2f9cf2a84e0f",
    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "span_id": "00f067aa0ba902b7",
}


@dataclass
class Absolute(Report):
    """A report whose goals are costs, not ratios."""

    def verdict(self, name: str) -> str:
        """Compare the median cost with the goal."""
        verdict = super().verdict(name)
        if verdict in {"met", "MISSED"}:
            return "met" if median(self.samples[name]) <= self.goals[name] else "MISSED"
        return verdict


def cpu_of(call: Callable[[], object]) -> Callable[[], float]:
    """Return a function that measures one round: the CPU of a call, in microseconds."""

    def measure() -> float:
        began = time.thread_time_ns()
        for _ in range(CALLS):
            call()
        return (time.thread_time_ns() - began) / CALLS / 1000

    return measure


@contextmanager
def lines_to_a_file() -> Iterator[Any]:
    """Let standard output be a file for a while, and give that file as text."""
    sys.stdout.flush()
    kept = os.dup(1)
    with tempfile.NamedTemporaryFile("a", buffering=1) as file:
        os.dup2(file.fileno(), 1)
        try:
            yield file
        finally:
            os.dup2(kept, 1)
            os.close(kept)


def native_structlog(file: Any) -> Any:  # noqa: ANN401 - its loggers have no type
    """Structlog as its documentation sets it up for production, without orjson."""
    return structlog.wrap_logger(
        structlog.WriteLogger(file),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        processors=[
            merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        cache_logger_on_first_use=True,
    )


def structlog_over_logging(file: Any) -> Any:  # noqa: ANN401 - its loggers have no type
    """Structlog through the standard library, as most services set it up."""
    shared: list[Any] = [
        merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    handler = logging.StreamHandler(file)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    return structlog.wrap_logger(
        plain_logger("over.logging", handler),
        wrapper_class=structlog.stdlib.BoundLogger,
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        cache_logger_on_first_use=True,
    )


def plain_logger(name: str, handler: logging.Handler) -> logging.Logger:
    """A logger of the standard library with a handler of its own."""
    logger = logging.getLogger(name)
    logger.handlers = [handler]
    logger.propagate = False
    logger.setLevel(logging.INFO)
    return logger


def with_format(handler: logging.Handler, formatter: logging.Formatter) -> logging.Handler:
    """Give a handler its format."""
    handler.setFormatter(formatter)
    return handler


def measure_lines(file: Any, rounds: int) -> list[Report]:  # noqa: ANN401 - a text file
    """Measure whole lines, access lines and suppressed ones."""
    ours, configured = get_logger("shop.books"), structlog.get_logger("shop.books")
    native, over_logging = native_structlog(file), structlog_over_logging(file)
    text = with_format(logging.StreamHandler(file), logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    plain, through_root = plain_logger("plain", text), logging.getLogger("shop.driver")
    written = b"x" * 319 + b"\n"
    events = Absolute("A JSON line with three ids around it", "us CPU", "ours", {"ours": 9.0})
    events.collect(
        {
            "ours": cpu_of(lambda: ours.info("book created", **VALUES)),
            "structlog.get_logger(), our set-up": cpu_of(lambda: configured.info("book created", **VALUES)),
            "standard library, our set-up": cpu_of(lambda: through_root.info("book created", extra=VALUES)),
            "structlog, its own JSON": cpu_of(lambda: native.info("book created", **VALUES)),
            "structlog over logging": cpu_of(lambda: over_logging.info("book created", **VALUES)),
            "standard library, plain text": cpu_of(lambda: plain.info("book created %s", VALUES["book_id"])),
            "write(2) alone": cpu_of(lambda: os.write(1, written)),
        },
        rounds=rounds,
    )
    suppressed = Absolute("A suppressed debug line", "us CPU", "ours", {"ours": 0.6})
    suppressed.collect(
        {
            "ours": cpu_of(lambda: ours.debug("cache miss", **VALUES)),
            "structlog.get_logger(), our set-up": cpu_of(lambda: configured.debug("cache miss", **VALUES)),
            "structlog, its own JSON": cpu_of(lambda: native.debug("cache miss", **VALUES)),
            "structlog over logging": cpu_of(lambda: over_logging.debug("cache miss", **VALUES)),
            "standard library": cpu_of(lambda: through_root.debug("cache miss", extra=VALUES)),
        },
        rounds=rounds,
    )
    return [events, suppressed]


async def answer(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401, ARG001 - ASGI
    """Answer a request with next to nothing."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})


async def nothing(message: Any = None) -> Any:  # noqa: ANN401 - ASGI
    """Take or give a message."""
    return message


def serve(app: Any) -> Callable[[], None]:  # noqa: ANN401 - ASGI
    """Return a function that runs one request through an application, without a loop: it never waits."""

    def run() -> None:
        try:
            app(SCOPE, nothing, nothing).send(None)
        except StopIteration:
            return

    return run


def measure_access(file: Any, rounds: int) -> list[Report]:  # noqa: ANN401 - a text file
    """Measure access lines, with nothing bound around them as at the outside of an application."""
    formatter = AccessFormatter('%(asctime)s %(client_addr)s - "%(request_line)s" %(status_code)s', use_colors=False)
    uvicorns = plain_logger("uvicorns.access", with_format(logging.StreamHandler(file), formatter))
    arguments_ = ("10.1.2.3:4711", "GET", "/api/v1/books/0b7f9d7e", "1.1", 200)
    lines = Absolute("An access line", "us CPU", "ours", {"ours": 4.0})
    lines.collect(
        {
            "ours": cpu_of(lambda: log_request(SCOPE, 200, 0.012, size=2)),
            "uvicorn's": cpu_of(lambda: uvicorns.info('%s - "%s %s HTTP/%s" %d', *arguments_)),
            "write(2) alone": cpu_of(lambda: os.write(1, b"x" * 219 + b"\n")),
        },
        rounds=rounds,
    )
    wrapped = Report("A request through AccessLog", "us CPU", "the application alone")
    wrapped.collect(
        {"the application alone": cpu_of(serve(answer)), "in AccessLog": cpu_of(serve(AccessLog(answer)))},
        rounds=rounds,
    )
    return [lines, wrapped]


def measure_redaction(rounds: int) -> list[Report]:
    """Measure the search for ten secrets in a line of 300 characters that has none."""
    line = json.dumps({"level": "info", "logger": "shop.books", "event": "book created", **IDS, **VALUES})
    line = line.ljust(300, ".")[:300]
    report = Absolute("Ten secrets against 300 characters", "us CPU", "has_secret", {"has_secret": 2.0, "redact": 2.0})
    subjects = {"has_secret": cpu_of(lambda: has_secret(line)), "redact": cpu_of(lambda: redact(line))}
    report.collect(subjects, rounds=rounds)
    return [report]


def measure_setup(rounds: int) -> list[Report]:
    """Measure a process that imports what every service imports, and then sets logging up."""
    base = "import fastapi, uvicorn\n"
    setup = "from fastapi_factory_utilities.core.logs import configure_logging, get_logger\nconfigure_logging('json')\n"
    report = Report("Setting up, for comparison importing structlog", "ms CPU", "fastapi, uvicorn")
    report.collect(
        {
            "fastapi, uvicorn": import_cpu(base),
            "+ configure_logging": import_cpu(base + setup),
            "+ import structlog": import_cpu(base + "import structlog"),
            "+ import structlog, no rich installed": import_cpu(
                "import sys\nsys.modules['rich'] = None\n" + base + "import structlog"
            ),
        },
        rounds=rounds,
    )
    return [report]


def main() -> None:
    """Measure and print."""
    options = arguments(__doc__ or "", rounds=15)
    register_secrets(secrets.token_urlsafe(16) for _ in range(10))
    with lines_to_a_file() as file:
        configure_logging("json")
        reports = measure_access(file, options.rounds)
        bind_contextvars(**IDS)
        reports = [*measure_lines(file, options.rounds), *reports]
        clear_contextvars()
        reset_logging()
    reports += measure_redaction(options.rounds)
    reports += measure_setup(options.rounds)
    finish(reports, options)


if __name__ == "__main__":
    main()
