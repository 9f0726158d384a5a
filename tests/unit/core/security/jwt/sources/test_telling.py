"""What is told of an issuer's keys."""

import pytest

from fastapi_factory_utilities.core.security.jwt.sources.errors import KeySourceError
from fastapi_factory_utilities.core.security.jwt.sources.telling import Telling


def test_each_outage_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    telling = Telling("https://login.example", lambda _: None)

    problems = [telling.failed(KeySourceError("the provider did not answer"), keys=2) for _ in range(3)]
    telling.fetched(2, ())
    telling.fetched(2, ())
    surprise = telling.failed(ValueError("a bug"), keys=2)

    assert [*problems, surprise] == ["the provider did not answer"] * 3 + ["ValueError"]
    assert "".join(capsys.readouterr()).count("keys not fetched") == 2


def test_a_refused_key_is_told_once_until_it_is_gone(capsys: pytest.CaptureFixture[str]) -> None:
    telling = Telling("https://login.example", lambda _: None)

    for refused in (("a", "b"), ("a", "b"), ("a",), (), ("b",)):
        telling.fetched(1, refused)

    assert "".join(capsys.readouterr()).count("key refused") == 3
