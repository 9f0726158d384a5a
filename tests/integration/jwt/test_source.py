"""The keys of one issuer, from a provider that does what it likes."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from joserfc.jwk import Key, OctKey

from fastapi_factory_utilities.core.security.jwt.sources import (
    KeySource,
    KeySourceConfig,
    KeySourceState,
    KeysUnavailableError,
)
from fastapi_factory_utilities.core.security.jwt.sources.reading import read_keys
from fastapi_factory_utilities.testing import no_leaks
from tests.integration.jwt.conftest import Provider, new_key
from tests.integration.jwt.weak_keys import HUGE_EXPONENT, WEAK

type Open = Callable[..., AbstractAsyncContextManager[KeySource]]


def find(keys: KeySource, kid: str) -> Coroutine[None, None, Key | None]:
    return keys.find_key(kid, "ES256")


@pytest.fixture
def told() -> list[KeySourceState]:
    return []


@pytest.fixture
def source(provider: Provider, told: list[KeySourceState]) -> Open:
    """Open the provider's keys: `async with source(timeout_seconds=1) as keys`."""

    @asynccontextmanager
    async def open_source(**entry: Any) -> AsyncIterator[KeySource]:
        entry = {"issuer": provider.issuer, "allow_http": True, "timeout_seconds": 1, **entry}
        source = KeySource(KeySourceConfig.model_validate(entry), told=told.append)
        async with no_leaks(), source.running():
            yield source

    return open_source


async def until(holds: Callable[[], object], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.005)


async def test_keys_are_found_by_discovery_and_the_first_request_waits_for_them(
    provider: Provider, source: Open
) -> None:
    async with source() as keys:
        assert await find(keys, "first") is not None
        assert provider.asked == ["/.well-known/openid-configuration", "/keys"]


async def test_a_thousand_requests_wait_for_one_fetch(provider: Provider, source: Open) -> None:
    async with source(jwks_url=f"{provider.issuer}/keys") as keys:
        found = await asyncio.gather(*(find(keys, "first") for _ in range(1000)))
        assert all(found)
        assert provider.asked == ["/keys"]


async def test_a_new_key_is_known_to_the_first_request_that_names_it(provider: Provider, source: Open) -> None:
    async with source() as keys:
        await find(keys, "first")
        provider.keys.insert(0, new_key("second"))
        found = await asyncio.gather(*(find(keys, "second") for _ in range(100)))
        assert all(found)
        assert provider.fetches() == 2
        assert await find(keys, "first") is not None


async def test_a_key_that_was_published_while_a_fetch_was_under_way_is_known_as_well(
    provider: Provider, source: Open
) -> None:
    """A request that comes during a fetch cannot count on it: the answer may be older than its key."""
    answered, late = asyncio.Event(), asyncio.Event()

    async def slow(_: web.Request) -> web.StreamResponse:
        before = web.json_response(provider.jwks)
        answered.set()
        await late.wait()
        return before

    provider.instead["/keys"] = slow
    async with source() as keys:
        await answered.wait()
        provider.keys.append(new_key("second"))
        del provider.instead["/keys"]
        asking = asyncio.gather(*(find(keys, "second") for _ in range(10)))
        await asyncio.sleep(0)
        late.set()
        assert all(await asking)
        assert provider.fetches() == 2


async def test_ten_thousand_unknown_kids_are_one_fetch(provider: Provider, source: Open) -> None:
    async with source() as keys:
        await find(keys, "first")
        for batch in range(10):
            assert not any(await asyncio.gather(*(find(keys, f"{batch}-{number}") for number in range(1000))))
        assert provider.fetches() == 2
        assert await find(keys, "first") is not None


async def test_when_the_time_is_over_an_unknown_kid_is_looked_for_again(provider: Provider, source: Open) -> None:
    async with source(unknown_kid_seconds=1) as keys:
        await find(keys, "first")
        assert await find(keys, "second") is None
        provider.keys.append(new_key("second"))
        assert await find(keys, "second") is None
        await asyncio.sleep(1)
        assert await find(keys, "second") is not None


async def test_keys_are_fetched_ahead_of_time_and_withdrawn_ones_are_gone(provider: Provider, source: Open) -> None:
    async with source(refresh_seconds=1) as keys:
        await find(keys, "first")
        provider.keys = [new_key("second")]
        await until(lambda: provider.fetches() > 1 and keys.keys is not None and keys.keys.find("second", "ES256"))
        assert await find(keys, "first") is None


async def test_keys_are_kept_while_the_provider_is_away_and_requests_do_not_wait_for_it(
    provider: Provider, source: Open, told: list[KeySourceState]
) -> None:
    async with source(refresh_seconds=1, timeout_seconds=0.2) as keys:
        await find(keys, "first")
        provider.answers("/keys", status=500)
        await until(lambda: len(told) > 2)
        assert [state.keys for state in told] == [1] * len(told)
        assert told[-1].problem is not None
        assert "status 500" in told[-1].problem
        assert await find(keys, "first") is not None
        with pytest.raises(StopIteration):
            find(keys, "made up").send(None)  # it ends at once
        del provider.instead["/keys"]
        await until(lambda: told[-1].problem is None)


async def test_a_request_waits_out_a_failure_that_is_over_at_once(provider: Provider, source: Open) -> None:
    """A provider that restarts when it rotates costs nobody an error."""
    async with source(timeout_seconds=5) as keys:
        await find(keys, "first")
        provider.keys.append(new_key("second"))
        provider.answers("/keys", status=503)
        asking = asyncio.create_task(find(keys, "second"))
        await until(lambda: provider.fetches() == 2)
        del provider.instead["/keys"]
        assert await asking is not None


async def test_keys_that_were_not_confirmed_for_too_long_are_used_no_more(provider: Provider, source: Open) -> None:
    async with source(refresh_seconds=1, stale_seconds=1.2, timeout_seconds=0.1) as keys:
        await find(keys, "first")
        provider.answers("/keys", status=404)
        await until(lambda: keys.keys is None)
        with pytest.raises(KeysUnavailableError, match="no keys of"):
            await find(keys, "first")


async def test_without_any_keys_a_request_is_told_so_in_time(provider: Provider, source: Open) -> None:
    async def never(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()

    provider.instead["/keys"] = never
    async with source(timeout_seconds=0.2) as keys:
        with pytest.raises(KeysUnavailableError):
            await find(keys, "first")
    with pytest.raises(KeysUnavailableError):
        await find(keys, "first")


DISCOVERY = "/.well-known/openid-configuration"


def jwks(key: Key) -> str:
    """Publish a key with all that is in it."""
    return json.dumps({"keys": [key.as_dict(private=True)]})


def with_public(**members: object) -> str:
    return json.dumps({"keys": [{**new_key("first").as_dict(private=False), **members}]})


@pytest.mark.parametrize(
    ("answer", "told_of"),
    [
        ({"text": "<html>hunter2"}, "no JSON object"),
        ({"text": "[" * 60_000}, "no JSON object"),
        ({"text": '{"keys": [], "keys": []}'}, "says something twice"),
        ({"text": '{"keys": [NaN]}'}, "no JSON object"),
        ({"text": '["hunter2"]'}, "no JSON object"),
        ({"text": '{"keys": {"hunter2": 1}}'}, "no list `keys`"),
        ({"text": '{"keys": []}'}, "it is empty"),
        ({"text": '{"keys": ["hunter2", null]}'}, "no JSON object"),
        ({"text": json.dumps({"keys": [0] * 101})}, "no more than 100"),
        ({"text": " " * 70_000}, "more than 65536 bytes"),
        ({"headers": {"Content-Encoding": "gzip"}}, "compressed"),
        ({"status": 404, "text": "hunter2"}, "status 404"),
        ({"status": 302, "headers": {"Location": "/elsewhere?hunter2"}}, "redirect"),
        ({"text": jwks(OctKey.generate_key(256))}, "shared secret"),
        ({"text": jwks(new_key("x"))}, "the key is private"),
        ({"text": with_public(use="enc")}, "it is empty"),
        ({"text": with_public(key_ops=["sign"])}, "it is empty"),
        ({"text": with_public(kty="hunter2")}, "it is empty"),
        ({"text": with_public(crv=["hunter2"])}, "it is empty"),
        ({"text": with_public(alg="RS256")}, "algorithm"),
        ({"text": with_public(x="hunter2")}, "malformed"),
        ({"text": with_public(x="A" * 2000)}, "longer than keys are"),
        ({"text": with_public(x=7)}, "malformed"),
        ({"text": json.dumps({"keys": [new_key("x").as_dict(private=False) for _ in range(2)]})}, "same kid"),
        ({"text": json.dumps({"keys": [WEAK]})}, "1024 bits"),
        ({"text": json.dumps({"keys": [HUGE_EXPONENT]})}, "exponent"),
    ],
)
async def test_an_answer_of_no_use_is_refused_in_words_without_its_content(
    provider: Provider, source: Open, told: list[KeySourceState], answer: dict[str, Any], told_of: str
) -> None:
    provider.answers("/keys", **answer)
    async with source() as keys:
        await until(lambda: told)
        assert keys.keys is None
    assert told[0].problem is not None
    assert told_of in told[0].problem
    assert "hunter2" not in told[0].problem
    assert "/elsewhere" not in provider.asked


@pytest.mark.parametrize(
    ("metadata", "told_of"),
    [
        ({"issuer": "https://hunter2"}, "another issuer"),
        ({"issuer": None}, "another issuer"),
        ({"jwks_uri": None}, "no jwks_uri"),
        ({"jwks_uri": "file:///hunter2"}, "no jwks_uri"),
        ({"jwks_uri": "http://user:hunter2@127.0.0.1/keys"}, "no jwks_uri"),
    ],
)
async def test_metadata_that_are_not_the_issuers_own_are_refused(
    provider: Provider, source: Open, told: list[KeySourceState], metadata: dict[str, Any], told_of: str
) -> None:
    provider.answers(DISCOVERY, json.dumps(provider.metadata | metadata))
    async with source() as keys:
        await until(lambda: told)
        assert keys.keys is None
    assert told_of in str(told[0].problem)
    assert "hunter2" not in str(told[0].problem)
    assert set(provider.asked) == {DISCOVERY}


async def test_a_key_of_no_use_hinders_no_other(provider: Provider, source: Open) -> None:
    other = {"kty": "later than us"}
    provider.answers("/keys", json.dumps({"keys": [WEAK, *provider.jwks["keys"], other]}))
    async with source() as keys:
        assert await find(keys, "first") is not None
        assert keys.keys is not None
        assert len(keys.keys) == 1
        assert keys.keys.refused == ("keys[0]: the key has 1024 bits; RSA keys must have 2048 to 8192",)


async def test_an_answer_that_never_ends_is_given_up(
    provider: Provider, source: Open, told: list[KeySourceState]
) -> None:
    async def trickle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.01)

    provider.instead["/keys"] = trickle
    async with source(timeout_seconds=0.2):
        await until(lambda: told)
    assert told[0].problem == "the provider did not answer within 0.2 s"


async def test_others_get_their_turn_between_two_keys() -> None:
    """Reading keys is work for the processor, and never longer than one of them takes."""
    keys = {"keys": [new_key(str(number)).as_dict(private=False) for number in range(20)]}
    reading = asyncio.create_task(read_keys(json.dumps(keys).encode(), "https://login.example/keys"))
    turns = 0
    while not reading.done():
        await asyncio.sleep(0)
        turns += 1
    assert len(await reading) == 20
    assert turns >= 20


@pytest.mark.parametrize(
    ("cache_control", "between"),
    [
        ("", (240, 300)),
        ("public, max-age=60, must-revalidate", (48, 60)),
        ('Max-Age="100"', (80, 100)),
        ("s-maxage=60", (240, 300)),
        ("max-age=1", (24, 30)),
        ("max-age=99999999999999999999", (240, 300)),
        ("no-store, max-age=-1", (240, 300)),
    ],
)
async def test_the_provider_says_how_soon_its_keys_are_fetched_again(
    provider: Provider, source: Open, told: list[KeySourceState], cache_control: str, between: tuple[float, float]
) -> None:
    provider.headers = {"Cache-Control": cache_control}
    async with source():
        await until(lambda: told)
    assert between[0] <= told[0].next_fetch_seconds <= between[1]


async def test_an_observer_that_fails_harms_nobody(provider: Provider) -> None:
    def fail(state: KeySourceState) -> None:
        raise RuntimeError(state.problem)

    config = KeySourceConfig(issuer=provider.issuer, allow_http=True)
    source = KeySource(config, told=fail)
    async with no_leaks(), source.running():
        await source.find_key("first", "ES256")
        provider.keys.append(new_key("second"))
        assert await source.find_key("second", "ES256") is not None
