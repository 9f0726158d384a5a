"""`OutboxPlugin`: messages saved with entities, and the relay that takes them to the broker."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from fastapi_factory_utilities.core.plugins.abstracts import PluginAbstract
from fastapi_factory_utilities.core.plugins.extras import require_extra
from fastapi_factory_utilities.core.plugins.messages import MessageSender
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.config import OutboxConfig
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.needing import needed
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.provided import depends_outbox
from fastapi_factory_utilities.core.plugins.odm_plugin.provided import depends_odm_database
from fastapi_factory_utilities.core.plugins.provided import Provided
from fastapi_factory_utilities.core.services.status import ComponentInstanceType, probing

if TYPE_CHECKING:
    from fastapi_factory_utilities.core.plugins.odm_plugin.documents import BaseDocument
    from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.embedding import EmbeddedMessages
    from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.relay import Relay
    from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.store import OutboxStore

__all__ = ["OutboxPlugin"]

_LAST_WORD_SECONDS = 1.0


class OutboxPlugin(PluginAbstract[OutboxConfig]):
    """Publishes messages in the same transaction as entities are saved in; list it after `ODMPlugin` and the broker's.

    Every process has the outbox; one of them at a time relays.

    Args:
        sender: Who sends the messages: a slot that another plugin fills.
        embedded_in: The documents that messages are embedded in by an `EmbeddingRepository`; the server then needs no
            transactions, and `Outbox.transaction()` works only where it has them.
        config: Instead of the section `outbox`.
    """

    section: ClassVar[str] = "outbox"
    component: ClassVar[str] = "message_broker:outbox"

    def __init__(
        self,
        sender: Provided[MessageSender],
        *,
        embedded_in: "Iterable[type[BaseDocument]]" = (),
        config: OutboxConfig | None = None,
    ) -> None:
        super().__init__(config)
        self._sender = sender
        self._embedded_in = tuple(embedded_in)

    def on_load(self) -> None:
        """Check that the extra is installed.

        Raises:
            MissingExtraError: It is not.
        """
        require_extra("mongo", "beanie", "pymongo")

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Look at the outbox, relay it, and provide it."""
        from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.embedding import (  # noqa: PLC0415 - a disabled plugin needs no driver
            EmbeddedMessages,
        )
        from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.outbox import (  # noqa: PLC0415 - see above
            Outbox,
        )
        from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.store import (  # noqa: PLC0415 - see above
            OutboxStore,
        )

        app, config = self.context.asgi_app, self.config
        database, sender = needed(self, depends_odm_database), needed(self, self._sender)
        wake = asyncio.Event()
        store = OutboxStore(database, config.collection, config.retention_seconds)
        embedded = [EmbeddedMessages(database, str(kind.get_settings().name)) for kind in self._embedded_in]
        async with self._looking(store, embedded), self._relaying(store, sender, wake, embedded):
            depends_outbox.publish(app, Outbox(store, wake))
            try:
                yield
            finally:
                depends_outbox.withdraw(app)

    @asynccontextmanager
    async def _looking(self, store: "OutboxStore", embedded: "list[EmbeddedMessages]") -> AsyncIterator[None]:
        """Have the outbox in the service's health."""
        from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.health import (  # noqa: PLC0415 - see above
            OutboxSubject,
        )

        instance = ComponentInstanceType.from_key(self.component)
        registered = self.context.status.register_component_instance(instance, required=self.config.required)
        subject = OutboxSubject(self.context.status, instance, store, self.config.degraded_after_seconds)
        try:
            async with probing(
                subject,
                subject.look,
                ready=partial(self._prepare, store, embedded),
                settings=self.config.health_check,
            ):
                yield
        finally:
            registered.unregister()

    async def _prepare(self, store: "OutboxStore", embedded: "list[EmbeddedMessages]") -> None:
        """Check the server, and make the indexes."""
        from pymongo import timeout  # noqa: PLC0415 - see above

        from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.support import (  # noqa: PLC0415 - see above
            EMBEDDED,
            require_transactions,
        )

        with timeout(self.config.health_check.ready_timeout_seconds):
            if not embedded:
                await require_transactions(store.database, store.name, otherwise=EMBEDDED)
            await store.ensure_schema()
            for messages in embedded:
                await messages.ensure_schema()

    @asynccontextmanager
    async def _relaying(
        self, store: "OutboxStore", sender: MessageSender, wake: asyncio.Event, embedded: "list[EmbeddedMessages]"
    ) -> AsyncIterator[None]:
        """Relay for as long as the body runs; then wait for what is in flight, for so long."""
        if not self.config.relay:
            yield
            return
        from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.lease import Lease  # noqa: PLC0415 - see above
        from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.relay import Relay  # noqa: PLC0415 - see above

        lease = Lease(store.database, f"{store.name}.relay", self.config.lasting_seconds)
        relay = Relay(store, lease, sender, config=self.config, wake=wake, embedded=embedded)
        task = asyncio.create_task(relay.run(), name="outbox relay")
        try:
            yield
        finally:
            await _stop(relay, task, self.config.stop_seconds)


async def _stop(relay: "Relay", task: "asyncio.Task[None]", seconds: float) -> None:
    relay.stop()
    try:
        await asyncio.wait([task], timeout=seconds)
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=_LAST_WORD_SECONDS)
        if task.done():
            with suppress(asyncio.CancelledError):
                task.result()
