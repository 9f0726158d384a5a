import base64
import json
import threading
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastapi_factory_utilities.core.redaction import (
    MINIMUM_SECRET_LENGTH,
    REDACTED,
    forget_secrets,
    has_secret,
    preserved_secrets,
    redact,
    register_secrets,
)

AWKWARD = "p@ss/w'ör\"d\\+&% x"


@pytest.fixture(autouse=True)
def no_secrets() -> Iterator[None]:
    with preserved_secrets():
        forget_secrets()
        yield


def test_a_registered_secret_is_masked_wherever_it_appears() -> None:
    register_secrets(["hunter2"])
    assert redact("hunter2 and [hunter2]hunter2") == "*** and [***]***"


def test_a_text_without_secrets_stays_as_it_is() -> None:
    register_secrets(["hunter2"])
    text = "nothing to see: https://example.org:8080/a@b?c=d"
    assert redact(text) == text
    assert not has_secret(text)


@pytest.mark.parametrize(
    "written",
    [
        AWKWARD,
        repr(AWKWARD),
        repr([AWKWARD, "'", '"']),
        repr(AWKWARD.encode()),
        json.dumps(AWKWARD),
        json.dumps(AWKWARD, ensure_ascii=False),
        json.dumps({"nested": json.dumps({"key": AWKWARD})}),
        json.dumps(repr(AWKWARD)),
        quote(AWKWARD),
        quote(AWKWARD, safe=""),
        quote(AWKWARD, safe="").lower(),
        quote_plus(AWKWARD),
        base64.b64encode(AWKWARD.encode()).decode(),
        base64.b64encode(f"a:{AWKWARD}".encode()).decode(),
        base64.b64encode(f"ab:{AWKWARD}".encode()).decode(),
        base64.b64encode(f"abc:{AWKWARD}".encode()).decode(),
        base64.urlsafe_b64encode(f"user:{AWKWARD}".encode()).decode(),
    ],
)
def test_a_secret_is_found_in_the_forms_libraries_print_it_in(written: str) -> None:
    register_secrets([AWKWARD])
    assert has_secret(f"value={written};")
    masked = redact(f"value={written};")
    assert REDACTED in masked
    assert "ss" not in masked
    assert masked.startswith("value=")
    assert masked.endswith(";")


@pytest.mark.parametrize("before", ["", "{'key': '", "ORDER-", "x" * 500])
@pytest.mark.parametrize("secret", ["TKVXQwErTYPASDFGhjkl", "A-B_C/D+E0F", "sk-4Jq9ZxWv7RtBnMkP", "ABCDE"])
def test_a_secret_full_of_capitals_is_found_as_well(secret: str, before: str) -> None:
    register_secrets([secret])
    assert has_secret(before + secret)
    assert redact(before + secret) == before + REDACTED
    assert has_secret(before + base64.b64encode(f"user:{secret}--".encode()).decode())


def test_base64_leaves_no_outer_bits_of_the_secret() -> None:
    register_secrets(["s3cretvalue"])
    assert redact(base64.b64encode(b"s3cretvalue").decode()) == REDACTED


def test_a_longer_secret_goes_before_the_shorter_one_inside_it() -> None:
    register_secrets(["hunter", "hunter2-of-the-west"])
    assert redact("hunter2-of-the-west") == REDACTED


def test_every_line_of_a_private_key_is_a_secret() -> None:
    register_secrets(["-----BEGIN KEY-----\nMIIEvQIBADANBgkq\n-----END KEY-----\n"])
    assert "MIIEvQ" not in redact("  | MIIEvQIBADANBgkq")


def test_a_secret_read_from_a_file_is_known_without_its_line_end() -> None:
    register_secrets(["from-a-file\n"])
    assert redact("from-a-file") == REDACTED


def test_a_value_under_the_minimum_length_is_not_registered() -> None:
    register_secrets(["x" * (MINIMUM_SECRET_LENGTH - 1), ""])
    assert redact("xxx") == "xxx"
    register_secrets(["x" * MINIMUM_SECRET_LENGTH])
    assert redact("xxxx") == REDACTED


def test_a_lone_text_is_one_secret_and_not_a_list_of_letters() -> None:
    register_secrets("hunter2")
    assert redact("hunter2") == REDACTED


def test_the_password_inside_a_registered_url_is_a_secret_too() -> None:
    register_secrets(["mongodb://root:p%40ss-word@db:27017/books"])
    assert redact("auth failed for p@ss-word, p%40ss-word") == "auth failed for ***, ***"


def test_forgotten_secrets_are_masked_no_longer() -> None:
    register_secrets(["hunter2", "swordfish"])
    forget_secrets(["hunter2"])
    assert redact("hunter2 swordfish") == "hunter2 ***"
    forget_secrets()
    assert redact("swordfish") == "swordfish"


def test_preserved_secrets_are_what_they_were() -> None:
    register_secrets(["hunter2"])
    with preserved_secrets():
        forget_secrets()
        register_secrets(["swordfish"])
    assert redact("hunter2 swordfish") == "*** swordfish"


def test_threads_may_register_while_others_redact() -> None:
    register_secrets(["always-there"])
    leaked: list[str] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            if redact("so always-there it is") != "so *** it is":
                leaked.append("leak")

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for number in range(100):
        register_secrets([f"secret-number-{number}"])
    done.set()
    for reader in readers:
        reader.join()
    assert leaked == []
    assert redact("secret-number-99") == REDACTED


@given(
    secret=st.text(min_size=MINIMUM_SECRET_LENGTH, max_size=40),
    before=st.text(max_size=40),
    after=st.text(max_size=40),
)
def test_no_secret_survives_whatever_surrounds_it(secret: str, before: str, after: str) -> None:
    with preserved_secrets():
        forget_secrets()
        register_secrets([secret])
        assert has_secret(before + secret + after)
        masked = redact(before + secret + after)
        assert secret not in masked.replace(REDACTED, "") or secret in before + after or set(secret) == {"*"}


@given(st.text())
def test_has_secret_says_whether_redact_changes_the_text(text: str) -> None:
    with preserved_secrets():
        forget_secrets()
        register_secrets(["abcd", "AbCdEfGhIjKl"])
        assert has_secret(text) == (redact(text) != text)
