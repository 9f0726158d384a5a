"""What OpenAPI says of an endpoint, and the opposite of it, made by schemathesis: every answer is below 500."""

from typing import Any, Final

import pytest
import requests
import schemathesis
from hypothesis import given
from schemathesis import Case, GenerationMode

from tests.integration.fuzz.conftest import Books
from tests.integration.fuzz.sizes import TOLERANT, fuzzing

pytestmark = [*TOLERANT, pytest.mark.xdist_group("fuzz")]  # one of each service is enough

MODES: Final = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]


@pytest.mark.parametrize("mode", MODES, ids=[mode.value for mode in MODES])
def test_no_request_that_a_schema_brings_forth_makes_an_endpoint_fail(books: Books, mode: GenerationMode) -> None:
    host, port = books.address
    url = f"http://{host}:{port}"
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    told: set[int] = set()
    with requests.Session() as session:

        @fuzzing(2)
        @given(schema.as_strategy(mode))
        def throw(case: Case[Any]) -> None:
            answer = case.call(base_url=url, session=session, timeout=10)
            told.add(answer.status_code)
            assert answer.status_code < 500, answer.text[:2000]

        throw()
    assert len(told) > 1, "it has asked the same thing again and again"
    books.assert_unharmed()
