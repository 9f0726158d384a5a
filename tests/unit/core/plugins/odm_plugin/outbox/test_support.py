"""Which servers have transactions, by their answer to `hello`."""

from typing import Any

import pytest

from fastapi_factory_utilities.core.plugins.odm_plugin.outbox.support import has_transactions


@pytest.mark.parametrize(
    ("hello", "expected"),
    [
        ({"isWritablePrimary": True, "maxWireVersion": 25}, False),
        ({"isWritablePrimary": True, "setName": "rs0", "maxWireVersion": 25}, True),
        ({"isWritablePrimary": True, "msg": "isdbgrid"}, True),
    ],
    ids=["standalone", "replica set", "mongos"],
)
def test_a_replica_set_and_a_router_have_transactions_and_a_standalone_server_has_none(
    hello: dict[str, Any], expected: bool
) -> None:
    assert has_transactions(hello) is expected
