"""`InboxPlugin`: one memory of processed messages for the application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import ClassVar

from fastapi_factory_utilities.core.plugins.abstracts import PluginAbstract
from fastapi_factory_utilities.core.plugins.extras import require_extra
from fastapi_factory_utilities.core.plugins.odm_plugin.inbox.config import InboxConfig
from fastapi_factory_utilities.core.plugins.odm_plugin.inbox.provided import depends_inbox
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.needing import needed
from fastapi_factory_utilities.core.plugins.odm_plugin.provided import depends_odm_database

__all__ = ["InboxPlugin"]


class InboxPlugin(PluginAbstract[InboxConfig]):
    """Provides a `MongoInbox`; list it after `ODMPlugin`, whose health is its own."""

    section: ClassVar[str] = "inbox"

    def on_load(self) -> None:
        """Check that the extra is installed.

        Raises:
            MissingExtraError: It is not.
        """
        require_extra("mongo", "beanie", "pymongo")

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Provide the inbox."""
        from fastapi_factory_utilities.core.plugins.odm_plugin.inbox.inbox import (  # noqa: PLC0415 - a disabled plugin needs no driver
            MongoInbox,
        )

        app, config = self.context.asgi_app, self.config
        inbox = MongoInbox(
            needed(self, depends_odm_database),
            collection=config.collection,
            lease_seconds=config.lease_seconds,
            retention_seconds=config.retention_seconds,
        )
        depends_inbox.publish(app, inbox)
        try:
            yield
        finally:
            depends_inbox.withdraw(app)
