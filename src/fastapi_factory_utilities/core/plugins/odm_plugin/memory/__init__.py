"""A collection in memory that answers as MongoDB does, for tests without a server.

Documents are kept as BSON, so that whatever does to a value what MongoDB would do (rounding times, refusing what has no
form) does it here as well, and nothing that was returned is ever what is stored.
"""

from fastapi_factory_utilities.core.plugins.odm_plugin.memory.collection import MemoryCollection
from fastapi_factory_utilities.core.plugins.odm_plugin.memory.session import MemorySession
from fastapi_factory_utilities.core.plugins.odm_plugin.memory.uniqueness import unique_indexes

__all__ = ["MemoryCollection", "MemorySession", "unique_indexes"]
