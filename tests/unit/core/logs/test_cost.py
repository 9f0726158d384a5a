"""What importing the door brings along."""

from typing import Any


def test_importing_the_door_imports_nothing_that_it_does_not_need(run_python: Any) -> None:
    done = run_python("""
        import sys
        before = set(sys.modules)
        from fastapi_factory_utilities.core.logs import AccessLog, get_logger
        get_logger(__name__).bind(a=1)
        brought = set(sys.modules) - before
        unwanted = {"structlog", "logging.config", "logging.handlers", "asyncio", "json", "rich", "pydantic"}
        assert not brought & unwanted, brought
        """)
    assert done.returncode == 0, done.stderr


def test_setting_up_and_logging_does_not_import_structlog(run_python: Any) -> None:
    done = run_python("""
        import sys
        from fastapi_factory_utilities.core.logs import configure_logging, get_logger
        configure_logging("json")
        get_logger("x").info("e", a=1)
        assert "structlog" not in sys.modules and "logging.config" not in sys.modules
        """)
    assert done.returncode == 0, done.stderr
