"""A service that saves books and publishes that; with listeners, one that counts what it hears of.

    python -m tests.integration.outbox.shop MONGO_URI AMQP_URI

runs it, adding books until it is killed.
"""

import asyncio
import itertools
import os
import sys
from typing import Annotated, Any

from fastapi import Depends

from fastapi_factory_utilities.core.app import ApplicationAbstract, ApplicationGenericBuilder, RootConfig
from fastapi_factory_utilities.core.plugins.aiopika import (
    AbstractListener,
    AiopikaPlugin,
    Exchange,
    GenericMessage,
    Queue,
    depends_message_sender,
)
from fastapi_factory_utilities.core.plugins.messages import OutgoingMessage
from fastapi_factory_utilities.core.plugins.odm_plugin import Database, ODMPlugin, depends_odm_database
from fastapi_factory_utilities.core.plugins.odm_plugin.inbox import InboxPlugin, MongoInbox, depends_inbox
from fastapi_factory_utilities.core.plugins.odm_plugin.outbox import Outbox, OutboxPlugin, depends_outbox
from tests.contracts.library import Book, BookDocument, Books
from tests.integration.outbox.post import eventually

BOOKS = Exchange("books", "topic")
HEARD = Queue("heard", BOOKS, "book.*")


class BookAdded(GenericMessage[dict[str, str]]):
    pass


class Listener(AbstractListener[BookAdded]):
    """Has one effect for each message, whatever happens."""

    async def on_message(
        self, message: BookAdded, database: Database, inbox: Annotated[MongoInbox, Depends(depends_inbox)]
    ) -> None:
        async with inbox.once(message.message_id) as once:
            if once.is_first:
                await database["heard"].insert_one({"title": message.data["title"]}, session=once.session)


class App(ApplicationAbstract[RootConfig]):
    PACKAGE_NAME = "tests"
    ODM_DOCUMENT_MODELS = (BookDocument,)


def make_shop(mongo_uri: str, amqp_uri: str, *, listening: bool) -> App:
    application = {
        "service_namespace": "tests",
        "service_name": "shop",
        "description": "",
        "version": "1",
        "environment": "production",
    }
    sections: dict[str, Any] = {
        "application": application,
        "odm": {"uri": mongo_uri},
        "aiopika": {"amqp_url": amqp_uri},
        "inbox": {},
        "outbox": {"lease_seconds": 1.0},
    }
    listeners = [Listener(HEARD)] if listening else []
    plugins = [
        ODMPlugin(),
        InboxPlugin(),
        AiopikaPlugin(listeners, exchanges=[BOOKS], queues=[] if listening else [HEARD]),
        OutboxPlugin(depends_message_sender),
    ]
    return ApplicationGenericBuilder(application_class=App, plugins=plugins).add_config(sections).build()


async def add(books: Books, outbox: Outbox, title: str) -> None:
    async with outbox.transaction() as tx:
        book = await books.insert(Book(title=title), session=tx.session)
        await tx.publish(
            OutgoingMessage(
                exchange="books",
                routing_key="book.added",
                body=f'{{"title":"{title}"}}'.encode(),
                message_id=str(book.id),
            )
        )


async def main() -> None:
    app = make_shop(*sys.argv[1:], listening=False)
    asgi = app.get_asgi_app()
    async with asgi.router.lifespan_context(asgi):
        await eventually(lambda: app.get_status_service().status.readiness == "ready")
        books, outbox = Books(depends_odm_database.of(asgi)), depends_outbox.of(asgi)
        for number in itertools.count():
            await asyncio.gather(*(add(books, outbox, f"{os.getpid()}.{number}.{each}") for each in range(4)))


if __name__ == "__main__":
    asyncio.run(main())
