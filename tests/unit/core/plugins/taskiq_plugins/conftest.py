"""Applications whose tasks are in memory."""

from typing import Any

from fastapi_factory_utilities.core.app import ApplicationAbstract, ApplicationGenericBuilder, RootConfig
from fastapi_factory_utilities.core.plugins import ProcessRole
from fastapi_factory_utilities.core.plugins.taskiq_plugins import TaskiqPlugin


class App(ApplicationAbstract[RootConfig]):
    PACKAGE_NAME = "tests"


def make_app(plugin: TaskiqPlugin, role: ProcessRole = ProcessRole.WEB, **sections: Any) -> App:
    config = {
        "application": {
            "service_namespace": "tests",
            "service_name": "tasks",
            "description": "",
            "version": "1",
            "environment": "production",
        },
        "redis": {"url": "redis://127.0.0.1:1"},
        "taskiq": {"in_memory": True},
        **sections,
    }
    builder = ApplicationGenericBuilder(application_class=App, plugins=[plugin])
    return builder.add_config(config).set_role(role).build()
