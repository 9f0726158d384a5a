"""Tokens that chance has changed: none is accepted, each is refused with one of our errors, and nothing is left behind.

`JWT_MUTATIONS` says how many; a release is tried with 1,000,000.
"""

import json
import os
import random
from base64 import urlsafe_b64decode
from collections.abc import Callable
from contextlib import suppress

import psutil
import pytest

from fastapi_factory_utilities.core.security.jwt import InvalidJWTError, NotVerifiedJWTError
from tests.unit.core.security.jwt.issuing import claims, encoded, key_for, public, service, signed, token

COUNT = int(os.environ.get("JWT_MUTATIONS", "4000"))
MANY = 100_000
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
ANY = ALPHABET + ".=+/ \n\0{}\"'\u00e9\ud800"


def _changed_character(rng: random.Random, text: str) -> str:
    place = rng.randrange(len(text))
    return text[:place] + rng.choice(ANY) + text[place + 1 :]


def _added_character(rng: random.Random, text: str) -> str:
    place = rng.randrange(len(text) + 1)
    return text[:place] + rng.choice(ANY) + text[place:]


def _lost_part(rng: random.Random, text: str) -> str:
    start = rng.randrange(len(text))
    return text[:start] + text[start + rng.randrange(1, 40) :]


def _swapped_parts(rng: random.Random, text: str) -> str:
    parts = text.split(".")
    rng.shuffle(parts)
    return ".".join(parts[: rng.randrange(1, 4)] + parts[: rng.randrange(0, 3)])


def _changed_octet(rng: random.Random, text: str) -> str:
    parts = text.split(".")
    which = rng.randrange(3)
    octets = bytearray(urlsafe_b64decode(parts[which] + "=="))
    octets[rng.randrange(len(octets))] = rng.randrange(256)
    parts[which] = encoded(bytes(octets))
    return ".".join(parts)


def _changed_member(rng: random.Random, text: str) -> str:
    parts = text.split(".")
    which = rng.randrange(2)
    members = json.loads(urlsafe_b64decode(parts[which] + "=="))
    name = rng.choice([*members, "crit", "jku", "nbf", "\u0000"])
    members[name] = rng.choice([None, True, 0, -1, 1e308, 10**30, "", "none", [], [[]], {}, "x" * 300, members])
    try:
        parts[which] = encoded(members)
    except ValueError:  # a member of itself
        parts[which] = encoded(b"{" * 50)
    return ".".join(parts)


CHANGES: tuple[Callable[[random.Random, str], str], ...] = (
    _changed_character,
    _added_character,
    _lost_part,
    _swapped_parts,
    _changed_octet,
    _changed_member,
)


@pytest.mark.timeout(7200)
async def test_no_mutated_token_is_accepted_none_is_another_error_and_memory_stays_flat() -> None:
    seed = random.randrange(2**32)  # noqa: S311 - chance is what is wanted
    rng = random.Random(seed)  # noqa: S311 - likewise
    keys = [public(key_for("RS256")), public(key_for("ES256")), public(key_for("Ed25519"))]
    trusting = service(keys, cache_size=1000)
    originals = [token("RS256"), token("ES256"), token("Ed25519"), signed({"alg": "ES256"}, claims(), key_for("ES256"))]
    for text in originals:
        await trusting.verify(text)
    process = psutil.Process()
    rss_early = 0
    for number in range(COUNT):
        text = rng.choice(originals)
        for _ in range(rng.choice((1, 1, 1, 2, 5))):
            with suppress(ValueError, TypeError, IndexError):  # what was changed before cannot be taken apart
                text = rng.choice(CHANGES)(rng, text)
        if text in originals:
            continue
        try:
            await trusting.verify(text)
        except (InvalidJWTError, NotVerifiedJWTError):
            pass
        except BaseException as error:
            raise AssertionError(f"seed {seed}, number {number}: {text!r}") from error
        else:
            raise AssertionError(f"seed {seed}, number {number} was accepted: {text!r}")
        if number == COUNT // 4:
            rss_early = process.memory_info().rss
    if COUNT >= MANY:
        grown = process.memory_info().rss - rss_early
        print(f"{COUNT} mutated tokens, 0 accepted, RSS {grown / 2**20:+.1f} MiB")  # noqa: T201 - the figure
        assert grown < 8 * 2**20
