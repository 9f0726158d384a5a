"""A missing extra is one error with the command that installs it."""

import pytest

from fastapi_factory_utilities.core.plugins import MissingExtraError, require_extra


def test_what_is_installed_is_fine() -> None:
    require_extra("mongo", "json", "asyncio")


def test_what_is_missing_is_one_error_with_the_install_command() -> None:
    with pytest.raises(MissingExtraError) as caught:
        require_extra("mongo", "json", "no_such_driver", "no_such_odm")
    assert str(caught.value) == (
        "no_such_driver, no_such_odm is not installed: run `pip install 'fastapi-factory-utilities[mongo]'`"
    )
    assert caught.value.fields == {"extra": "mongo", "modules": ("no_such_driver", "no_such_odm")}
    assert isinstance(caught.value, ImportError)
