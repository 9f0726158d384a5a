from fastapi_factory_utilities.core import logs
from fastapi_factory_utilities.core.utils import log


def test_the_helper_module_is_a_door_to_the_logs() -> None:
    assert all(getattr(log, name) is getattr(logs, name) for name in log.__all__)
