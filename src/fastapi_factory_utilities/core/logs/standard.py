"""The standard library's loggers, uvicorn's and the drivers' among them: same lines, same levels."""

import logging
import sys
import threading
from collections.abc import Mapping
from typing import Any, Final

from fastapi_factory_utilities.core.logs.encoding import encode_text
from fastapi_factory_utilities.core.logs.levels import ROOT
from fastapi_factory_utilities.core.logs.messages import text_of
from fastapi_factory_utilities.core.logs.state import STATE

__all__ = ["RecordHandler", "StandardLogging"]

_PLAIN_LENGTH: Final = len(vars(logging.makeLogRecord({})))
_OWN_ATTRIBUTES: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}
_NEVER: Final = logging.CRITICAL + 1


class RecordHandler(logging.Handler):
    """Turns records into events; the one handler of the root logger."""

    def createLock(self) -> None:  # noqa: N802 - the standard library's name
        """Take no lock: the output has its own."""
        self.lock: threading.RLock | None = None

    def handle(self, record: logging.LogRecord) -> bool:
        """Filter and write; the base class insists on the lock from Python 3.13 on."""
        passed = self.filter(record)
        if passed:
            self.emit(passed if isinstance(passed, logging.LogRecord) else record)
        return bool(passed)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record as an event."""
        pipeline = STATE.pipeline
        if pipeline is not None:
            pipeline.emit(
                encode_text(record.levelname.lower())[1:-1],
                str(record.name),
                _message(record),
                _facts(record),
                record.created,
            )


def _message(record: logging.LogRecord) -> str:
    try:
        message = record.getMessage()
    except Exception:  # noqa: BLE001 - wrong number or kind of arguments, or a broken __str__
        arguments = record.args if isinstance(record.args, tuple) else (record.args,)
        return " ".join(map(text_of, (record.msg, *arguments)))
    if record.name == "py.warnings":  # the place and the text; the line of source that follows says little
        message = message.partition("\n")[0]
    return message.strip("\n")


def _is_new(record: logging.LogRecord) -> bool:
    """Leave uvicorn's lines about WebSockets out: the access log tells the same, without the query and its secrets."""
    return record.name != "uvicorn.error" or not str(record.msg).startswith('%s - "WebSocket ')


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if len(vars(record)) != _PLAIN_LENGTH:
        facts = {key: value for key, value in vars(record).items() if key not in _OWN_ATTRIBUTES}
    if record.exc_info:
        facts["exc_info"] = record.exc_info
    if record.stack_info:
        facts["stack"] = record.stack_info.splitlines()[-20:]
    return facts


class StandardLogging:
    """The standard library's set-up for as long as ours is in force, and what it was before."""

    def __init__(self, levels: Mapping[str, int]) -> None:
        self._handler = RecordHandler()
        self._handler.addFilter(_is_new)
        root = logging.getLogger()
        silent = {"uvicorn.access": _NEVER} | dict(levels)  # access lines are our own
        self._before = {name: _State(name) for name in {*silent, ROOT, "uvicorn", "uvicorn.error", "uvicorn.access"}}
        root.handlers = [handler for handler in root.handlers if not _writes_to_terminal(handler)] + [self._handler]
        for name, level in silent.items():
            _logger(name).setLevel(level)
        for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):  # its own set-up has handlers of its own
            logger = logging.getLogger(name)
            logger.handlers = [handler for handler in logger.handlers if not _writes_to_terminal(handler)]
            # uvicorn composes an access line for every request as soon as this logger has a handler, however far up.
            logger.propagate = name != "uvicorn.access" or name in levels
        logging.captureWarnings(True)  # noqa: FBT003 - the standard library's signature

    def undo(self) -> None:
        """Put everything back."""
        logging.captureWarnings(False)  # noqa: FBT003 - the standard library's signature
        for state in self._before.values():
            state.restore(without=self._handler)


class _State:
    """A logger as it was."""

    def __init__(self, name: str) -> None:
        self._logger = _logger(name)
        self._level = self._logger.level
        self._handlers = list(self._logger.handlers)
        self._propagate = self._logger.propagate

    def restore(self, *, without: logging.Handler) -> None:
        added = [each for each in self._logger.handlers if each not in self._handlers and each is not without]
        self._logger.handlers = self._handlers + added
        self._logger.propagate = self._propagate
        self._logger.setLevel(self._level)


def _logger(name: str) -> logging.Logger:
    return logging.getLogger(None if name == ROOT else name)


def _writes_to_terminal(handler: logging.Handler) -> bool:
    """Recognise handlers that would write every line once more; those of other libraries go on."""
    return type(handler) is logging.StreamHandler and handler.stream in {
        sys.stdout,
        sys.stderr,
        sys.__stdout__,
        sys.__stderr__,
    }
