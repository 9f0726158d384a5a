"""The application and its builder."""

from typing import ClassVar

from beanie import Document

from fastapi_factory_utilities.core.app import ApplicationAbstract, ApplicationGenericBuilder, RootConfig
from fastapi_factory_utilities.core.plugins import PluginAbstract
from fastapi_factory_utilities.core.plugins.aiohttp import AioHttpPlugin
from fastapi_factory_utilities.core.plugins.aiopika import AiopikaPlugin, depends_message_sender
from fastapi_factory_utilities.core.plugins.odm_plugin import ODMPlugin
from fastapi_factory_utilities.core.plugins.odm_plugin.inbox import InboxPlugin, depends_inbox
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox import OutboxPlugin
from fastapi_factory_utilities.core.plugins.opentelemetry_plugin import OpenTelemetryPlugin
from fastapi_factory_utilities.core.plugins.taskiq_plugins import TaskiqPlugin
from fastapi_factory_utilities.example.api import router
from fastapi_factory_utilities.example.events.books import BOOKS, BOOKS_TO_INDEX
from fastapi_factory_utilities.example.listeners.books import BookIndexer
from fastapi_factory_utilities.example.models.books import BookDocument, IndexDocument
from fastapi_factory_utilities.example.tasks.books import index_book, report_books

__all__ = ["App", "AppBuilder"]


class App(ApplicationAbstract[RootConfig]):
    """Keeps books."""

    PACKAGE_NAME: ClassVar[str] = "fastapi_factory_utilities.example"
    ODM_DOCUMENT_MODELS: ClassVar[list[type[Document]]] = [BookDocument, IndexDocument]

    def configure(self) -> None:
        """Register the routes."""
        self.get_asgi_app().include_router(router)


class AppBuilder(ApplicationGenericBuilder[App]):
    """Builds the Books service with its plugins."""

    def get_default_plugins(self) -> list[PluginAbstract]:
        """Return the plugins of the service."""
        return [
            # First to start, last to stop: the last spans of the others are exported, too.
            OpenTelemetryPlugin(),
            AioHttpPlugin(),
            ODMPlugin(),
            InboxPlugin(),
            TaskiqPlugin("books", tasks=[index_book, report_books]),
            # Last to start, first to stop: what a message leads to is still there for it.
            AiopikaPlugin(listeners=[BookIndexer(BOOKS_TO_INDEX, inbox=depends_inbox)], exchanges=[BOOKS]),
            OutboxPlugin(depends_message_sender),
        ]
