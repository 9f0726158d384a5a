"""A client and a database for each test."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

type Client = AsyncMongoClient[dict[str, Any]]
type Database = AsyncDatabase[dict[str, Any]]


@pytest.fixture
async def client(mongo_uri: str) -> AsyncIterator[Client]:
    client: Client = AsyncMongoClient(mongo_uri, timeoutMS=5000)
    yield client
    await client.close()


@pytest.fixture
def database(client: Client) -> Database:
    return client.get_default_database()
