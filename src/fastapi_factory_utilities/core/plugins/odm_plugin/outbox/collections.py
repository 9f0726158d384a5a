"""How our own collections and transactions are read and written, whatever the URI says.

From the primary: a secondary may not know yet what was sent, or claimed. And by a majority: what a fail-over could take
back was not kept.
"""

from typing import Any

from bson.codec_options import CodecOptions
from pymongo import ReadPreference, WriteConcern
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase

__all__ = ["TRANSACTION", "collection"]

_CODEC: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)
_MAJORITY = WriteConcern("majority")

TRANSACTION: dict[str, Any] = {"read_preference": ReadPreference.PRIMARY, "write_concern": _MAJORITY}
"""The options of a transaction."""


def collection(database: AsyncDatabase[Any], name: str) -> AsyncCollection[dict[str, Any]]:
    """Return a collection of ours."""
    return database.get_collection(
        name, codec_options=_CODEC, read_preference=ReadPreference.PRIMARY, write_concern=_MAJORITY
    )
