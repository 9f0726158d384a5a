"""The examples of the RFCs: what is signed there verifies, what is changed or is no signed token is refused.

`vectors.json` has them as RFC 7515 (appendices A and E), 7519 (6.1), 7520 (4 and 5) and 8037 (A.4) print them.
"""

import json
from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Any

import pytest

from fastapi_factory_utilities.core.security.jwt import (
    InvalidJWTError,
    JWKStoreMemory,
    JWTAuthenticationError,
    JWTAuthenticationService,
    JWTPayload,
    NotVerifiedJWTError,
)
from fastapi_factory_utilities.core.security.jwt.decoder import JWTBearerTokenDecoder
from fastapi_factory_utilities.core.security.jwt.keys import checked_key
from tests.unit.core.security.jwt.issuing import ISSUER, config, encoded, service

VECTORS: dict[str, list[dict[str, Any]]] = json.loads(Path(__file__).with_name("vectors.json").read_text())


def _decoder(algorithm: str, key: dict[str, Any]) -> tuple[JWTBearerTokenDecoder[JWTPayload], Any]:
    rules = config(authorized_algorithms=algorithm, allow_symmetric=algorithm.startswith("HS"))
    return JWTBearerTokenDecoder(rules, JWKStoreMemory({ISSUER: [key]}), JWTPayload), checked_key(key)


def _octets(segment: str) -> bytes:
    return urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


@pytest.mark.parametrize("vector", VECTORS["signed"], ids=lambda vector: vector["source"])
async def test_what_an_rfc_signed_verifies_and_no_bit_of_it_may_change(vector: dict[str, Any]) -> None:
    decoder, key = _decoder(vector["algorithm"], vector["key"])
    signing, _, last = vector["token"].rpartition(".")
    signature = _octets(last)
    is_signed = decoder._is_signed
    assert is_signed(vector["algorithm"], signing.encode(), signature, key)
    for bit in range(0, len(signature) * 8, 5):
        changed = bytearray(signature)
        changed[bit // 8] ^= 1 << bit % 8
        assert not is_signed(vector["algorithm"], signing.encode(), bytes(changed), key)
    for wrong in (signature[:-1], signature + b"\0", b"", signature[::-1], bytes(len(signature))):
        assert not is_signed(vector["algorithm"], signing.encode(), wrong, key)
    assert not is_signed(vector["algorithm"], signing.encode() + b"A", signature, key)


@pytest.mark.parametrize("vector", VECTORS["signed"], ids=lambda vector: vector["source"])
async def test_a_good_signature_alone_is_no_reason_to_accept(vector: dict[str, Any]) -> None:
    symmetric = vector["algorithm"].startswith("HS")
    trusting = service([vector["key"]], authorized_algorithms=vector["algorithm"], allow_symmetric=symmetric)
    with pytest.raises(InvalidJWTError):
        await trusting.verify(vector["token"])


async def test_the_claims_of_rfc_7515_are_verified_and_then_refused_for_what_they_say() -> None:
    (vector,) = (one for one in VECTORS["signed"] if one["source"] == "RFC 7515, A.2")
    rules = config(authorized_issuers="joe", authorized_algorithms="RS256")
    trusting = JWTAuthenticationService(rules, JWKStoreMemory({"joe": [vector["key"]]}))
    with pytest.raises(InvalidJWTError, match="expired"):
        await trusting.verify(vector["token"])
    signing, _, last = vector["token"].rpartition(".")
    changed = encoded(bytes([_octets(last)[0] ^ 1]) + _octets(last)[1:])
    with pytest.raises(NotVerifiedJWTError):
        await trusting.verify(f"{signing}.{changed}")


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda vector: vector["source"])
async def test_unsecured_and_encrypted_examples_are_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(JWTAuthenticationError):
        await service(max_token_bytes=65_536).verify(vector["token"])
