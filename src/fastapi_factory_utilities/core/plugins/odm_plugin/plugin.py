"""`ODMPlugin`: one MongoDB client for the application, its health, and its documents' indexes (FR17, FR21)."""

import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Self

from fastapi_factory_utilities.core.plugins.connection import ConnectionPlugin
from fastapi_factory_utilities.core.plugins.extras import require_extra
from fastapi_factory_utilities.core.plugins.odm_plugin.config import ODMConfig
from fastapi_factory_utilities.core.plugins.odm_plugin.provided import depends_odm_client, depends_odm_database

if TYPE_CHECKING:
    from beanie import Document
    from pymongo import AsyncMongoClient

    from fastapi_factory_utilities.core.app import ApplicationAbstract

__all__ = ["ODMPlugin"]

_APP_NAME_BYTES = 128  # MongoDB's handshake specification
_GOODBYE_SECONDS = 0.5  # closing tells the server which sessions are over; one that is gone may miss it


class ODMPlugin(ConnectionPlugin[ODMConfig, "AsyncMongoClient[dict[str, Any]]"]):
    """Connects the application to MongoDB.

    The service starts while the server is away; indexes are made when it first answers, and again after an outage: a
    server may come back empty. The application's documents can be used at once, and their repositories too, which
    raise `DatabaseUnavailableError` as long as nobody answers.

    Args:
        document_models: Beanie documents, in addition to the application's `ODM_DOCUMENT_MODELS`.
        config: Instead of the section `odm`.
    """

    section: ClassVar[str] = "odm"
    component: ClassVar[str] = "database:MongoDB"
    provides = depends_odm_client

    def __init__(
        self, document_models: "Iterable[type[Document]] | None" = None, config: ODMConfig | None = None
    ) -> None:
        super().__init__(config)
        self._given_models = tuple(document_models or ())
        self._models: tuple[type[Document], ...] = self._given_models

    def set_application(self, application: "ApplicationAbstract[Any]") -> Self:
        """Take the application's documents as well."""
        self._models = tuple(dict.fromkeys((*application.ODM_DOCUMENT_MODELS, *self._given_models)))
        return super().set_application(application)

    def on_load(self) -> None:
        """Check that the extra is installed.

        Raises:
            MissingExtraError: It is not.
        """
        require_extra("mongo", "beanie", "pymongo")

    @asynccontextmanager
    async def open(self) -> "AsyncIterator[AsyncMongoClient[dict[str, Any]]]":
        """Make the client, which connects when it is used, and make the documents usable."""
        from pymongo import timeout  # noqa: PLC0415 - a disabled plugin needs no driver

        from fastapi_factory_utilities.core.plugins.odm_plugin.binding import bind  # noqa: PLC0415 - see above
        from fastapi_factory_utilities.core.plugins.odm_plugin.client import ToldClient  # noqa: PLC0415 - see above

        _keep_the_driver_from_telling_everything()
        name = self.context.config.application.service_name
        client = ToldClient(
            self.config.uri.get_secret_value(),
            telemetry=self.context.telemetry,
            appname=name.encode()[:_APP_NAME_BYTES].decode(errors="ignore"),
            tz_aware=True,
            uuidRepresentation="standard",
            **self.config.client_options(),
        )
        try:
            bind(self._models, client[self.config.database])
            yield client
        finally:
            with timeout(_GOODBYE_SECONDS):
                await client.close()

    async def ping(self, client: "AsyncMongoClient[dict[str, Any]]") -> object:
        """Ask the server whether it answers."""
        return await client.admin.command("ping")

    async def ready(self, client: "AsyncMongoClient[dict[str, Any]]") -> None:
        """Make the indexes; building one may take far longer than an operation of a service."""
        from pymongo import timeout  # noqa: PLC0415 - a disabled plugin needs no driver

        from fastapi_factory_utilities.core.plugins.odm_plugin.schema import ensure_schema  # noqa: PLC0415 - see above

        with timeout(self.config.health_check.ready_timeout_seconds):
            await ensure_schema(client[self.config.database], self._models)

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Provide the database beside its client."""
        app = self.context.asgi_app
        async with super().lifespan():
            depends_odm_database.publish(app, depends_odm_client.of(app)[self.config.database])
            try:
                yield
            finally:
                depends_odm_database.withdraw(app)


def _keep_the_driver_from_telling_everything() -> None:
    """At the level `debug` the driver logs every command with its documents, and every attempt to find a server.

    That is for those who ask for it by name: `logging: [{name: pymongo, level: debug}]`.
    """
    driver = logging.getLogger("pymongo")
    if driver.level == logging.NOTSET:
        driver.setLevel(logging.INFO)
