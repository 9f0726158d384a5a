"""What has been tried against tokens, and how each of it ends: refused, with one of our errors."""

import asyncio
import hmac
import json
import time
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from fastapi_factory_utilities.core.security.jwt import (
    InvalidJWTError,
    JWKStoreMemory,
    JWTAuthenticationError,
    JWTAuthenticationService,
    JWTBearerAuthenticationConfig,
    JWTPayload,
    NotVerifiedJWTError,
    RefusedKeyError,
)
from tests.unit.core.security.jwt.issuing import (
    ALGORITHMS,
    AUDIENCE,
    ISSUER,
    claims,
    config,
    encoded,
    key_for,
    public,
    service,
    signed,
    token,
)

RSA = {"alg": "RS256", "kid": "k1"}


async def refused(text: str, by: JWTAuthenticationService[JWTPayload] | None = None) -> JWTAuthenticationError:
    with pytest.raises(JWTAuthenticationError) as caught:
        await (by or service()).verify(text)
    assert type(caught.value) in (InvalidJWTError, NotVerifiedJWTError)
    assert not text or text not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_a_good_token_of_each_algorithm_is_accepted_and_one_of_another_key_is_not(algorithm: str) -> None:
    trusting = service([public(key_for(algorithm))])
    assert (await trusting.verify(token(algorithm))).sub == "ada"
    await refused(signed({"alg": algorithm, "kid": "k1"}, claims(), key_for(algorithm, 1)), trusting)


@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE", "none ", " none", "", "null"])
@pytest.mark.parametrize("signature", ["", "AA", "kept"])
async def test_alg_none_is_refused_in_every_spelling(name: str, signature: str) -> None:
    body = f"{encoded({'alg': name, 'kid': 'k1'})}.{encoded(claims())}"
    await refused(f"{body}.{token().rpartition('.')[2] if signature == 'kept' else signature}")


@pytest.mark.parametrize("algorithm", [None, 1, True, ["RS256"], {"a": 1}, "rs256", "RS256\0", "RSA-OAEP", "HS256"])
async def test_an_algorithm_that_is_not_allowed_is_refused_whatever_it_is(algorithm: object) -> None:
    await refused(signed({"alg": algorithm, "kid": "k1"}, claims(), key_for("RS256"), "RS256"))
    await refused(signed({"kid": "k1"}, claims(), key_for("RS256"), "RS256"))


@pytest.mark.parametrize("form", ["pem", "der", "jwk", "n"])
async def test_a_public_key_is_no_shared_secret(form: str) -> None:
    key = key_for("RS256")
    assert isinstance(key, RSAKey)
    secret = {
        "pem": key.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "der": key.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "jwk": json.dumps(public(key)).encode(),
        "n": str(key.as_dict()["n"]).encode(),
    }[form]
    body = f"{encoded({'alg': 'HS256', 'kid': 'k1'})}.{encoded(claims())}"
    forged = f"{body}.{encoded(hmac.digest(secret, body.encode(), 'sha256'))}"
    await refused(forged)
    # Not even where shared secrets are allowed: the key's own kind decides.
    await refused(forged, service([public(key)], authorized_algorithms="HS256", allow_symmetric=True))


async def test_symmetric_algorithms_are_only_for_those_who_ask_and_never_beside_others() -> None:
    secret = OctKey.generate_key(256)
    text = signed({"alg": "HS256", "kid": "k1"}, claims(), secret)
    keys = [{**secret.as_dict(private=True), "kid": "k1"}]
    trusting = service(keys, authorized_algorithms="HS256", allow_symmetric=True)
    assert (await trusting.verify(text)).sub == "ada"
    await refused(text, service(keys))
    for wrong in (
        {"authorized_algorithms": "HS256"},
        {"authorized_algorithms": "HS256,RS256", "allow_symmetric": True},
    ):
        with pytest.raises(ValueError, match="symmetric"):
            config(**wrong)
    short = OctKey.import_key({"kty": "oct", "k": encoded(b"k" * 31)})
    weak = service([{**short.as_dict(private=True), "kid": "k1"}], authorized_algorithms="HS256", allow_symmetric=True)
    await refused(signed({"alg": "HS256", "kid": "k1"}, claims(), short), weak)


async def test_a_key_verifies_its_own_algorithm_and_no_other() -> None:
    bound = service([public(key_for("RS256"), alg="RS256")])
    await bound.verify(token())
    await refused(signed({"alg": "PS256", "kid": "k1"}, claims(), key_for("RS256")), bound)
    # ES256 with a key of another curve, and EdDSA with a key for signatures of the other kind.
    p384 = key_for("ES384")
    text = f"{encoded({'alg': 'ES256', 'kid': 'k1'})}.{encoded(claims())}.{token('ES384').rpartition('.')[2]}"
    await refused(text, service([public(p384)]))
    await refused(signed({"alg": "Ed25519", "kid": "k1"}, claims(), key_for("Ed25519")), service([public(p384)]))


async def test_a_key_of_one_issuer_verifies_no_token_of_another_even_with_the_same_kid() -> None:
    ours, theirs = key_for("RS256"), key_for("RS256", 1)
    other = "https://other.test"
    store = JWKStoreMemory({ISSUER: [public(ours)], other: {"keys": [public(theirs)]}})
    trusting = JWTAuthenticationService(config(authorized_issuers=[ISSUER, other]), store)
    assert (await trusting.verify(signed(RSA, claims(), ours))).iss == ISSUER
    assert (await trusting.verify(signed(RSA, claims(iss=other), theirs))).iss == other
    assert isinstance(await refused(signed(RSA, claims(iss=other), ours), trusting), NotVerifiedJWTError)
    assert isinstance(await refused(signed(RSA, claims(), theirs), trusting), NotVerifiedJWTError)
    await refused(signed(RSA, claims(iss="https://nobody.test"), ours), trusting)
    await refused(signed(RSA, claims(iss=ISSUER + "/"), ours), trusting)


@pytest.mark.parametrize("member", ["jwk", "jku", "x5u", "crit", "b64", "zip"])
async def test_a_header_that_brings_its_own_key_or_wants_more_than_we_know_is_refused(member: str) -> None:
    attacker = key_for("RS256", 1)
    value: Any = {
        "jwk": public(attacker),
        "jku": "https://attacker.test/keys",
        "x5u": "https://attacker.test/chain",
        "crit": ["exp"],
        "b64": False,
        "zip": "DEF",
    }[member]
    # By the attacker's key, and by the right one: nothing of it may pass.
    for key in (attacker, key_for("RS256")):
        await refused(signed({**RSA, member: value}, claims(), key))
        await refused(signed({**RSA, member: None}, claims(), key))


@pytest.mark.parametrize(
    "kid", ["", "K1", "k1 ", "../../dev/null", "k1' OR '1'='1", "k1\0", 1, ["k1"], {"k": 1}, True, "k" * 10_000]
)
async def test_a_kid_is_only_a_name_and_must_be_the_very_one(kid: object) -> None:
    await refused(signed({"alg": "RS256", "kid": kid}, claims(), key_for("RS256")))


async def test_without_a_kid_there_must_be_one_key_that_fits() -> None:
    text = signed({"alg": "RS256"}, claims(), key_for("RS256"))
    await service([public(key_for("RS256"), None)]).verify(text)
    await service([public(key_for("RS256"))]).verify(text)
    await refused(text, service([public(key_for("RS256"), "a"), public(key_for("RS256", 1), "b")]))


@pytest.mark.parametrize(
    "header",
    [
        '{"alg":"RS256","kid":"k1","alg":"RS256"}',
        '{"alg":"none","kid":"k1","alg":"RS256"}',
        '{"alg":"RS256","kid":"k2","kid":"k1"}',
        '{"alg":"RS256","kid":"k1","x":{"a":1,"a":2}}',
        '{"alg":"RS256","kid":"k1","x":NaN}',
        '{"alg":"RS256","kid":"k1","x":1e400}'.replace("1e400", "Infinity"),
        '["RS256"]',
        '"RS256"',
        "null",
        "",
        "{",
        '{"alg":"RS256","kid":"k1"}x',
        "\ufeff" + '{"alg":"RS256","kid":"k1"}',
        '{"alg":"RS256","kid":"k1","x":' + "[" * 500 + "]" * 500 + "}",
        '{"alg":"RS256","kid":"k1","x":' + "9" * 5000 + "}",
    ],
)
async def test_a_header_that_two_readers_could_understand_differently_is_refused(header: str) -> None:
    await refused(signed(header, claims(), key_for("RS256"), "RS256"))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b'{"sub":"ada"',
        "[" * 3000 + "]" * 3000,
        '{"a":' * 1200 + "1" + "}" * 1200,
    ],
)
async def test_claims_that_are_no_object_are_refused(payload: str | bytes) -> None:
    await refused(signed(RSA, payload, key_for("RS256")))


async def test_a_claim_that_is_there_twice_is_refused() -> None:
    good = json.dumps(claims())
    for extra in ('"sub":"ada"', '"exp":9999999999', '"aud":"library"'):
        await refused(signed(RSA, f"{good[:-1]},{extra}}}", key_for("RS256")))


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 0},
        {"exp": 1},
        {"exp": None},
        {"exp": "9999999999"},
        {"exp": True},
        {"exp": -1},
        {"exp": 10**400},
        {"exp": 1e300},
        {"exp": [9999999999]},
        {"nbf": 9_999_999_999},
        {"nbf": "now"},
        {"iat": 9_999_999_999},
        {"iat": False},
        {"aud": None},
        {"aud": "other"},
        {"aud": "library "},
        {"aud": "Library"},
        {"aud": []},
        {"aud": ["other"]},
        {"aud": [["library"]]},
        {"aud": {"library": 1}},
        {"aud": "other library"},
        {"iss": None},
        {"iss": "https://issuer.test.attacker.test"},
        {"iss": ["https://issuer.test"]},
        {"iss": ""},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"scp": 7},
        {"scope": {"books:read": True}},
    ],
    ids=str,
)
async def test_claims_that_are_not_for_us_or_not_for_now_are_refused(changes: dict[str, Any]) -> None:
    assert isinstance(await refused(token(**changes)), InvalidJWTError)


async def test_an_end_counts_from_its_second_and_the_leeway_is_what_the_configuration_says() -> None:
    now = time.time()
    strict, patient = service(leeway_seconds=0), service(leeway_seconds=60)
    await refused(token(exp=now - 1), strict)
    await patient.verify(token(exp=now - 30))
    await refused(token(exp=now - 61), patient)
    await refused(token(nbf=now + 30), strict)
    await patient.verify(token(nbf=now + 30, iat=now + 30))


def _twisted(text: str) -> list[str]:
    first, second, third = text.split(".")
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    spare = third[:-1] + last[last.index(third[-1]) ^ 1]  # RS256: the same octets, one spare bit set
    return [
        f"{first}.{second}",
        f"{first}.{second}.",
        f".{second}.{third}",
        f"{first}..{third}",
        f"{text}.",
        f"{text}.{third}",
        f"{first}.{second}.{third[:-4]}",
        f"{first}.{second}.{third}AAAA",
        f"{first}.{second}.{spare}",
        f"{first}.{second}.{third}==",
        f"{first}=.{second}.{third}",
        f"{first}.{second}.{third}\n",
        f" {text}",
        f"{first}.{second}. {third}",
        f"{first}.{second[:4]}\n{second[4:]}.{third}",
        f"{first}.{second}.{third[:4]}!{third[4:]}",
        f"{first}.{second}.{third.replace('-', '+').replace('_', '/')}+",
        f"{first}.{second}.{encoded(b'')}A",
        f"{first}.{second}.{encoded(bytes(256))}",
        f"{first}.{encoded(claims(sub='eve'))}.{third}",
        f"{first}.{second}.{token(sub='eve').rpartition('.')[2]}",
        text.replace(".", "\u3002"),
        text + "\ud800",
        "",
        ".",
        "..",
        "...",
        "Bearer " + text,
        json.dumps({"payload": second, "protected": first, "signature": third}),
    ]


@pytest.mark.parametrize("number", range(29))
async def test_a_token_that_is_cut_padded_or_stitched_together_is_refused(number: int) -> None:
    text = token()
    await service().verify(text)
    await refused(_twisted(text)[number])


async def test_an_encrypted_token_is_refused() -> None:
    # RFC 7516, appendix A.1.7: five parts, and not for this service.
    await refused(f"{encoded({'alg': 'RSA-OAEP', 'enc': 'A256GCM'})}.AA.AA.AA.AA")
    await refused(f"{encoded({'alg': 'dir', 'enc': 'A256GCM'})}..AA.AA.AA")


async def test_a_signature_by_zeros_verifies_nothing() -> None:
    # CVE-2022-21449: r = s = 0 was a signature of everything.
    trusting = service([public(key_for("ES256"))])
    body = f"{encoded({'alg': 'ES256', 'kid': 'k1'})}.{encoded(claims())}"
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    for r, s in ((0, 0), (1, 1), (order, order), (0, 1), (order - 1, 1)):
        await refused(f"{body}.{encoded(r.to_bytes(32) + s.to_bytes(32))}", trusting)
    await refused(f"{body}.{encoded(bytes(63))}", trusting)
    # The form of certificates (DER) is not that of tokens (RFC 7518, 3.4).
    await refused(f"{body}.{encoded(bytes.fromhex('3006020101020101'))}", trusting)


async def test_what_is_too_long_is_refused_before_anybody_reads_it() -> None:
    long = token(padding="x" * 20_000)
    assert "longer" in str(await refused(long))
    await service(max_token_bytes=65_536).verify(long)
    await refused("a" * 1_000_000)


def _weak() -> list[Any]:
    small = {"kty": "RSA", "e": "AQAB", "n": encoded((2**1023 + 1).to_bytes(128))}
    good = public(key_for("RS256"))
    return [
        small,
        {**good, "n": encoded(b"\xff" * 2049)},
        {**good, "e": encoded(b"\x01")},
        {**good, "e": encoded(b"\x02")},
        {**good, "e": encoded(b"\xff" * 64)},
        {**good, "e": ""},
        {**good, "n": 17},
        {**good, "use": "enc"},
        {**good, "key_ops": ["encrypt"]},
        {**good, "alg": "ES256"},
        {**public(key_for("ES256")), "x": encoded(bytes(32)), "y": encoded(bytes(32))},
        {**public(key_for("ES256")), "crv": "P-1024"},
        {**public(key_for("ES256")), "crv": "P-384"},
        {"kty": "OKP", "crv": "Ed25519", "x": encoded(bytes(5))},
        {"kty": "OKP", "crv": "X25519", "x": encoded(bytes(32))},
        {"kty": "unknown"},
        {},
    ]


@pytest.mark.parametrize("number", range(17))
def test_a_key_that_is_weak_malformed_or_for_something_else_is_refused(number: int) -> None:
    with pytest.raises(RefusedKeyError):
        JWKStoreMemory({ISSUER: [_weak()[number]]})


async def test_keys_that_cannot_be_told_apart_are_refused_and_those_of_two_kinds_can() -> None:
    with pytest.raises(RefusedKeyError, match="same kid"):
        JWKStoreMemory({ISSUER: [public(key_for("RS256")), public(key_for("RS256", 1))]})
    both = service([public(key_for("RS256")), public(key_for("ES256"))])
    await both.verify(token())
    await both.verify(token("ES256"))
    assert ECKey.key_type != OKPKey.key_type


async def test_the_type_of_a_token_is_looked_at_where_it_matters() -> None:
    access = service(token_types="at+jwt")
    for good in ("at+jwt", "AT+JWT", "application/at+jwt"):
        await access.verify(signed({**RSA, "typ": good}, claims(), key_for("RS256")))
    for bad in ("JWT", "", None, 1, "at+jwt "):
        await refused(signed({**RSA, "typ": bad}, claims(), key_for("RS256")), access)
    await refused(token(), access)


async def test_required_claims_are_required() -> None:
    strict = service(required_claims="client_id, jti")
    await strict.verify(token(client_id="c", jti="1"))
    await refused(token(client_id="c"), strict)


async def test_ten_thousand_made_up_headers_leave_nothing_behind() -> None:
    trusting = service()
    decoder: Any = trusting._decoder
    await trusting.verify(token())
    for number in range(10_000):
        text = f"{encoded({'alg': 'RS256', 'kid': str(number)})}.{encoded(claims())}.{encoded(b'x' * 256)}"
        with pytest.raises(JWTAuthenticationError):
            await trusting.verify(text)
        if number % 1000 == 0:
            await asyncio.sleep(0)
    assert len(decoder._headers._known) == 1
    assert len(decoder._store._keys[ISSUER]._found) <= 3


def test_a_configuration_that_trusts_nobody_or_everybody_is_refused() -> None:
    good = {"audience": AUDIENCE, "authorized_issuers": ISSUER}
    JWTBearerAuthenticationConfig.model_validate(good)
    for wrong in (
        {**good, "audience": None},
        {**good, "authorized_issuers": " , "},
        {**good, "authorized_algorithms": ""},
        {**good, "authorized_algorithms": "RS256,none"},
        {**good, "authorized_algorithms": "rs256"},
        {**good, "unknown": 1},
    ):
        with pytest.raises(ValueError):  # noqa: PT011 - pydantic's, of several texts
            JWTBearerAuthenticationConfig.model_validate(wrong)
