"""A broken rule is told in its own words."""

from typing import Annotated

import pytest
from pydantic import AfterValidator, BaseModel, ValidationError

from fastapi_factory_utilities.core.app.configuration.sentences import sentence_of
from fastapi_factory_utilities.core.rules import broken_rule


def _refuse(value: str) -> str:
    raise broken_rule("must begin with mongodb:// {and so on}")


class _Model(BaseModel):
    uri: Annotated[str, AfterValidator(_refuse)]


def test_the_sentence_of_a_rule_is_told_as_it_is_even_when_a_value_has_its_words() -> None:
    with pytest.raises(ValidationError) as raised:
        _Model(uri="http://mongodb")

    (error,) = raised.value.errors()
    assert sentence_of({**error}, ["http://mongodb"]) == "must begin with mongodb:// {and so on}"
