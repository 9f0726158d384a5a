"""What was said while a plugin ran, to be searched for secrets."""

import logging
import traceback
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from fastapi_factory_utilities.core.app import ApplicationAbstract

__all__ = ["PASSWORD", "Heard", "heard", "with_credentials"]

USER = "planted-user"
PASSWORD = "planted-pa55word-8d1f"  # noqa: S105 - planted, to be searched for


def with_credentials(uri: str) -> str:
    """Put the planted user and password into a URI."""
    parts = urlsplit(uri)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(USER)}:{quote(PASSWORD)}@{host}"))


class Heard:
    """Everything that was said, with who said it; as it was said, before anything masks it."""

    def __init__(self) -> None:
        self._said: list[tuple[str, str]] = []

    def add(self, who: str, what: object) -> None:
        """Take down what somebody said."""
        self._said.append((who, str(what)))

    def add_error(self, who: str, error: BaseException) -> None:
        """Take down an error as a person would see it, with its traceback and causes."""
        self.add(who, "".join(traceback.format_exception(error)))
        self.add(who, repr(error))

    def add_health(self, application: ApplicationAbstract[Any]) -> None:
        """Take down what an application's health says now, and said before."""
        status = application.get_status_service()
        self.add("the health of the service", status.status)
        for key, state in status.components.items():
            self.add(f"the health of {key}", state)
        for event in status.history:
            self.add("the history of the service's health", event)

    def who_told(self, secret: str) -> list[str]:
        """Say who told a secret, each with the beginning of what was said and the secret masked."""
        told = {f"{who}: {_shortened(what, secret)}" for who, what in self._said if secret in what}
        return sorted(told)


def _shortened(what: str, secret: str) -> str:
    at = what.index(secret)
    return what[max(0, at - 80) : at + len(secret) + 40].replace(secret, "<the secret>").replace("\n", " ")


@contextmanager
def heard() -> Iterator[Heard]:
    """Listen to every logger at every level; to be entered when logging is set up, so after building."""
    import structlog  # noqa: PLC0415 - slow to import, and nobody else here needs it

    said = Heard()

    def note(_logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:  # noqa: ANN401
        error = event.get("exc_info")
        if isinstance(error, BaseException):
            said.add_error(f"the log ({method})", error)
        said.add(f"the log ({method})", dict(event))
        return event

    processors: list[Any] = structlog.get_config()["processors"]
    handler = _Listener(said)
    processors.insert(0, note)
    logging.getLogger().addHandler(handler)
    try:
        yield said
    finally:
        logging.getLogger().removeHandler(handler)
        if note in processors:
            processors.remove(note)


class _Listener(logging.Handler):
    """Takes down what the standard library's loggers are told, the drivers' among them."""

    def __init__(self, said: Heard) -> None:
        super().__init__(logging.NOTSET)
        self._said = said
        self._formatter = logging.Formatter()

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record down."""
        self._said.add(f"the log of {record.name} ({record.levelname.lower()})", self._formatter.format(record))
        self._said.add(f"the log of {record.name} ({record.levelname.lower()})", record.args)
