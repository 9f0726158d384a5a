"""A database for each test, and an outbox in it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from fastapi_factory_utilities.core.plugins.odm_plugin.schema import ensure_schema
from tests.contracts.library import BookDocument
from tests.integration.outbox.post import Database, Post, connect


@pytest.fixture
async def client(mongo_uri: str) -> AsyncIterator[AsyncMongoClient[dict[str, Any]]]:
    async with connect(mongo_uri) as client:
        yield client


@pytest.fixture
def database(client: AsyncMongoClient[dict[str, Any]]) -> Database:
    return client.get_default_database()


@pytest.fixture
async def post(database: Database) -> Post:
    post = Post(database)
    await post.store.ensure_schema()
    await ensure_schema(database, [BookDocument])
    return post
