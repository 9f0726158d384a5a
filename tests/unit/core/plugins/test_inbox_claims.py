"""What a process knows of its own claims."""

import time

from fastapi_factory_utilities.core.plugins.inbox_claims import Claims


def test_a_message_is_claimed_once_until_it_is_ended() -> None:
    claims = Claims(lease_seconds=30)
    assert claims.begin("a")
    assert not claims.begin("a")
    assert claims.begin("b")
    assert claims.end("a")
    assert not claims.end("a")
    assert claims.begin("a")


def test_a_claim_that_nobody_ended_ends_with_its_lease() -> None:
    claims = Claims(lease_seconds=0.01)
    assert claims.begin("a")
    time.sleep(0.02)
    assert claims.begin("a")


def test_every_process_is_another_owner() -> None:
    assert Claims(1).owner != Claims(1).owner
