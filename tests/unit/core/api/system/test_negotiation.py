"""Which form a client wants."""

import pytest

from fastapi_factory_utilities.core.api.system.negotiation import wants_health_json


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ([], False),
        (["*/*"], False),
        (["application/*"], False),
        (["application/json"], False),
        (["application/health+json"], True),
        (["APPLICATION/Health+JSON"], True),
        (["application/health+json;q=0.5, */*"], True),
        (["application/health+json, application/json"], True),
        (["application/json, application/health+json;q=0.9"], False),
        (["application/json;q=0.8, application/health+json;q=0.9"], True),
        (["application/health+json;q=0"], False),
        (["application/health+json; q=0.000"], False),
        (["application/health+json;q=nonsense"], False),
        (["text/html", "application/health+json"], True),
        (["application/health+jsonish"], False),
        (["application/health+json;charset=utf-8"], True),
        (["\xff;;;q=,,application/health+json"], True),
    ],
)
def test_only_who_names_the_health_form_and_wants_it_no_less_gets_it(accept: list[str], wanted: bool) -> None:
    headers = [(b"host", b"x"), *((b"accept", value.encode("latin-1")) for value in accept)]

    assert wants_health_json(headers) is wanted
