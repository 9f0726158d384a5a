"""The package without its extra: importable, and one error where it is needed."""

import importlib.util
import subprocess
import sys
from importlib.machinery import ModuleSpec

import pytest

from fastapi_factory_utilities.core.plugins import MissingExtraError, taskiq_plugins
from fastapi_factory_utilities.core.plugins.taskiq_plugins import TaskiqPlugin
from tests.unit.core.plugins.taskiq_plugins.conftest import make_app

_WITHOUT = """
import sys

for module in ("taskiq", "taskiq_redis", "taskiq_dependencies", "redis"):
    sys.modules[module] = None
import fastapi_factory_utilities.core.plugins.taskiq_plugins as tasks

@tasks.task("double", schedules=[tasks.Cron("@daily", arguments={"number": 1})])
async def double(number: int, me: tasks.CurrentTask = tasks.injected) -> int:
    return 2 * number

double.check()
plugin = tasks.TaskiqPlugin("books", tasks=[double])
try:
    tasks.SchedulerComponent
except ImportError as error:
    print(error)
"""


def test_everything_is_promised_and_sorted() -> None:
    assert sorted(taskiq_plugins.__all__) == sorted(set(taskiq_plugins.__all__))
    for name in taskiq_plugins.__all__:
        assert getattr(taskiq_plugins, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = taskiq_plugins.no_such_name


def test_without_the_extra_tasks_can_be_defined_and_the_rest_says_what_to_install() -> None:
    told = subprocess.run([sys.executable, "-c", _WITHOUT], capture_output=True, text=True, check=True).stdout
    assert "pip install 'fastapi-factory-utilities[taskiq]'" in told


@pytest.mark.parametrize("missing", ["taskiq", "redis"])
def test_a_missing_extra_is_one_error_when_the_application_is_built(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    find_spec = importlib.util.find_spec

    def find(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name == missing else find_spec(name, package)

    monkeypatch.setattr("fastapi_factory_utilities.core.plugins.extras.find_spec", find)
    with pytest.raises(MissingExtraError, match=rf"^{missing} is not installed: run `pip install .*\[taskiq\]'`$"):
        make_app(TaskiqPlugin("t"))
