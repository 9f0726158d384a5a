"""What every inbox must do."""

import asyncio
from abc import abstractmethod

import pytest

from fastapi_factory_utilities.core.plugins.inbox import Claim, Inbox

__all__ = ["InboxContract"]


class InboxContract:
    """Inherit it, and say how inboxes are made that share what they remember, as those of several processes do."""

    @abstractmethod
    def make(self, *, lease_seconds: float = 30.0, retention_seconds: float = 30.0) -> Inbox:
        """Make another inbox on the same backend."""

    @pytest.fixture
    def mine(self) -> Inbox:
        return self.make()

    @pytest.fixture
    def theirs(self) -> Inbox:
        return self.make()

    async def test_a_message_is_new_then_busy_then_done(self, mine: Inbox, theirs: Inbox) -> None:
        assert await mine.claim("a") is Claim.NEW
        assert await mine.claim("a") is Claim.BUSY
        assert await theirs.claim("a") is Claim.BUSY
        assert await theirs.claim("b") is Claim.NEW
        await mine.done("a")
        assert await mine.claim("a") is Claim.DONE
        assert await theirs.claim("a") is Claim.DONE

    async def test_a_message_that_was_given_back_is_new_at_once(self, mine: Inbox, theirs: Inbox) -> None:
        await mine.claim("a")
        await mine.release("a")
        assert await theirs.claim("a") is Claim.NEW
        await mine.release("a")
        assert await mine.claim("a") is Claim.BUSY, "it was not mine to give back"
        await theirs.release("a")
        assert await mine.claim("a") is Claim.NEW

    async def test_a_claim_of_a_consumer_that_died_ends_with_its_lease(self, theirs: Inbox) -> None:
        dying = self.make(lease_seconds=0.3)
        assert await dying.claim("a") is Claim.NEW
        assert await theirs.claim("a") is Claim.BUSY
        async with asyncio.timeout(5):
            while await theirs.claim("a") is Claim.BUSY:
                await asyncio.sleep(0.02)
        await dying.release("a")
        assert await self.make().claim("a") is Claim.BUSY, "it is somebody else's by now"
        await dying.done("a")
        assert await self.make().claim("a") is Claim.DONE, "what was done is done"

    async def test_a_claim_whose_answer_was_lost_is_ours_when_it_is_repeated(self, mine: Inbox, theirs: Inbox) -> None:
        assert await mine.claim("a") is Claim.NEW
        mine._claims.end("a")  # type: ignore[attr-defined]  # as if we had not heard of it
        assert await theirs.claim("a") is Claim.BUSY
        assert await mine.claim("a") is Claim.NEW

    async def test_of_many_that_claim_it_at_once_one_has_it(self) -> None:
        inboxes = [self.make() for _ in range(8)]
        claims = await asyncio.gather(*(inbox.claim("a") for inbox in inboxes))
        assert sorted(claims) == [Claim.BUSY] * 7 + [Claim.NEW]
        ours = self.make()
        assert sorted(await asyncio.gather(*(ours.claim("b") for _ in range(8)))) == [Claim.BUSY] * 7 + [Claim.NEW]

    async def test_what_was_never_claimed_can_be_done_and_given_back(self, mine: Inbox) -> None:
        await mine.release("a")
        await mine.done("a")
        await mine.done("a")
        assert await mine.claim("a") is Claim.DONE
        await mine.release("a")
        assert await mine.claim("a") is Claim.DONE
