"""The repository on a real server: the contract, and what is its own."""

import pytest

from fastapi_factory_utilities.core.plugins.odm_plugin.schema import ensure_schema
from tests.contracts.library import BookDocument, Books, EverythingRepository
from tests.contracts.repository import RepositoryContract
from tests.integration.mongo.conftest import Database


class TestOnAServer(RepositoryContract):
    @pytest.fixture
    async def books(self, database: Database) -> Books:
        await ensure_schema(database, [BookDocument])
        return Books(database)

    @pytest.fixture
    async def all_kinds(self, database: Database) -> EverythingRepository:
        return EverythingRepository(database)
