import pytest

from fastapi_factory_utilities.core.redaction import has_secret, redact


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("mongodb://root:pa55@db:27017/x", "mongodb://root:***@db:27017/x"),
        ("redis://:pa55@db/0", "redis://:***@db/0"),
        ("amqp://guest:gu/e#st@mq/", "amqp://guest:***@mq/"),
        ("a mongodb://u:p@h1 and amqp://u:q@h2 b", "a mongodb://u:***@h1 and amqp://u:***@h2 b"),
        ('{"uri":"postgresql+asyncpg://u:p@h/d"}', '{"uri":"postgresql+asyncpg://u:***@h/d"}'),
        ("http://user:123@host/", "http://user:***@host/"),
        ("Authorization: Bearer abcdef0123456789.x", "Authorization: Bearer ***"),
        ("b'authorization', b'Basic dXNlcjpwYXNz'", "b'authorization', b'Basic ***'"),
        ("t=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln;", "t=***;"),
    ],
)
def test_what_looks_like_a_credential_is_masked(text: str, masked: str) -> None:
    assert has_secret(text)
    assert redact(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "http://host:8080/a@b",
        "http://host/path?mail=a@b.org",
        "see https://example.org, or mail me@example.org",
        "basic configuration is wrong",
        "the bearer of this letter, a bearer authentication",
        "eyJust a word",
        "://",
    ],
)
def test_what_only_resembles_a_credential_is_left_alone(text: str) -> None:
    assert not has_secret(text)
    assert redact(text) == text


@pytest.mark.parametrize("piece", ["://a:b", "Bearer ", "Basic ab", "eyJabcdefgh.abcd", "://" + "a" * 300 + ":"])
@pytest.mark.timeout(60)
def test_hostile_texts_come_to_an_end(piece: str) -> None:
    redact(piece * (200_000 // len(piece)))  # a quadratic pattern takes many minutes
