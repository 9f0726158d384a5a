"""Hands audit events to the broker, or to the outbox, and never loses one without saying so."""

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Protocol

from fastapi_factory_utilities.core.exceptions import FastAPIFactoryUtilitiesError
from fastapi_factory_utilities.core.logs import get_logger
from fastapi_factory_utilities.core.plugins.aiopika import AbstractPublisher, GenericMessage
from fastapi_factory_utilities.core.services.audit.errors import AuditServiceError
from fastapi_factory_utilities.core.services.audit.events import AuditEventObject

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.messages import OutgoingMessage

__all__ = ["AbstractAuditPublisherService", "AuditBox", "AuditService"]

_log = get_logger(__name__)

_NO_WORD: Final = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST_KEY: Final = 255  # octets: a short string of AMQP 0-9-1


class AuditBox(Protocol):
    """Where an event is kept together with what it is about: a transaction of the outbox."""

    async def publish(self, message: "OutgoingMessage", *, key: str | None = None) -> None:
        """Keep a message until it is published."""
        ...


class AbstractAuditPublisherService[EventT: AuditEventObject]:
    """Publishes the audit events of a service.

    Args:
        sender: The service; the first word of each routing key, and the header `audit-sender`.
        publisher: Publishes to the exchange of audit events.
    """

    def __init__(self, sender: str, publisher: AbstractPublisher[Any]) -> None:
        if not _words(sender):
            raise ValueError("sender must name the service, with letters or digits")
        self._sender = sender
        self._publisher = publisher

    def build_routing_key_pattern(self, event: EventT) -> str:
        """Return the routing key of an event: sender, where and what, such as `library.loans.book.lent`.

        Override it for another; queues bind to it with patterns (`library.loans.#`).
        """
        key = ".".join(filter(None, (_words(self._sender), _words(event.where), _words(event.what))))
        return key[:_LONGEST_KEY]

    async def publish(self, event: EventT, *, within: AuditBox | None = None) -> None:
        """Publish an event, and return when it is kept: in a queue of the broker, or in the outbox.

        With `within` it is recorded if, and only if, that transaction is committed, and published when the broker is
        there. Without, the broker must be there now.

        Args:
            event: The event.
            within: The outbox's transaction in which what happened is saved.

        Raises:
            AuditServiceError: It is not kept, or nobody can say whether it is; the log has it as well.
        """
        try:
            message = _message_of(type(event))(data=event)
            message.set_headers({"audit-sender": self._sender})
            message.set_message_id(event.event_id)
            key = self.build_routing_key_pattern(event)
            if within is None:
                await self._publisher.publish(message, key)
            else:
                await within.publish(message.to_outgoing(self._publisher.exchange, key))
        except Exception as error:
            reason = str(error) if isinstance(error, FastAPIFactoryUtilitiesError) else type(error).__name__
            _log.error("audit event not recorded", event_id=event.event_id, what=event.what, reason=reason)
            raise AuditServiceError(
                f"the audit event {event.what!r} ({event.event_id}) was not recorded: {reason}",
                event_id=event.event_id,
                what=event.what,
            ) from error


class AuditService(AbstractAuditPublisherService[AuditEventObject]):
    """Publishes audit events of every kind."""


@cache
def _message_of(kind: type[AuditEventObject]) -> Any:  # noqa: ANN401 - a class that is made here
    """Return the message of a kind of event: the fields of its own are part of it."""
    return GenericMessage[kind]  # type: ignore[valid-type]  # made while the program runs


def _words(text: str) -> str:
    """Return a text as words of a routing key: what is no letter or digit parts nothing but `.`."""
    words = (_NO_WORD.sub("_", word).strip("_") for word in text.split("."))
    return ".".join(word for word in words if word)
