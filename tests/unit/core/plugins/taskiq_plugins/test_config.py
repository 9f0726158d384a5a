"""The section `taskiq`."""

from typing import Any

import pytest
from pydantic import ValidationError

from fastapi_factory_utilities.core.plugins import ProcessRole
from fastapi_factory_utilities.core.plugins.taskiq_plugins import TaskiqConfig, TaskiqPlugin
from tests.unit.core.plugins.taskiq_plugins.conftest import make_app


def test_every_key_has_a_default() -> None:
    config = TaskiqConfig()
    assert config.schedule_in is ProcessRole.SCHEDULER
    assert not config.run_in_web
    assert not config.in_memory


@pytest.mark.parametrize(
    "wrong",
    [
        {"concurrency": 0},
        {"visibility_timeout_seconds": 0.5},
        {"schedule_in": "everywhere"},
        {"time_limit_seconds": 0},
        {"scheduler_lease_seconds": 0},
        {"no_such_key": 1},
    ],
)
def test_wrong_values_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TaskiqConfig(**wrong)


@pytest.mark.parametrize("sections", [{"redis": {"enabled": False}}, {"taskiq": {"enabled": False}}])
def test_either_section_switches_the_plugin_off(sections: dict[str, Any]) -> None:
    assert make_app(TaskiqPlugin("off"), **sections).plugins == ()
