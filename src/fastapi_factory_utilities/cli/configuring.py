"""`config show|check|schema`: the configuration as it is, whether it is right, and what it may be."""

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any

from fastapi_factory_utilities.cli.target import load_builder
from fastapi_factory_utilities.core.app import ApplicationGenericBuilder
from fastapi_factory_utilities.core.exceptions import FastAPIFactoryUtilitiesError

__all__ = ["add_to"]


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands to the parser."""
    parser = commands.add_parser("config", help="show or check a configuration, without starting anything")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, action, text in (
        ("show", _show, "print every effective value with its origin, secrets masked"),
        ("check", _check, "say whether the configuration is right"),
        ("schema", _schema, "print the JSON Schema of application.yaml, for editors"),
    ):
        command = actions.add_parser(name, help=text)
        command.add_argument("target", metavar="PACKAGE.MODULE:BUILDER", help="the application's builder")
        command.add_argument("--config", metavar="FILE", help="one more configuration file (also APP_CONFIG_FILE)")
        command.set_defaults(run=_command(action))


def _command(action: Callable[[ApplicationGenericBuilder[Any]], str]) -> Callable[[argparse.Namespace], int]:
    """Make a command of what returns the text to print."""

    def run(options: argparse.Namespace) -> int:
        from fastapi_factory_utilities.core.app.server import WRONG_SETUP, tell  # noqa: PLC0415 - uvicorn is heavy

        try:
            builder = load_builder(options.target)
            if options.config:
                builder.add_config_file(options.config)
            sys.stdout.write(f"{action(builder)}\n")
        except FastAPIFactoryUtilitiesError as error:
            tell(error, debug=options.debug)
            return WRONG_SETUP
        return 0

    return run


def _show(builder: ApplicationGenericBuilder[Any]) -> str:
    from fastapi_factory_utilities.core.app.loading import build_config, effective  # noqa: PLC0415 - YAML is heavy

    settings = builder.read_settings()
    rows = [
        (row.path, json.dumps(row.value, default=str, ensure_ascii=False), str(row.origin))
        for row in effective(settings, build_config(settings))
    ]
    widths = [min(40, max(len(row[column]) for row in rows)) for column in (0, 1)]
    return "\n".join(f"{path:{widths[0]}}  {value:{widths[1]}}  {origin}" for path, value, origin in rows)


def _check(builder: ApplicationGenericBuilder[Any]) -> str:
    from fastapi_factory_utilities.core.app.loading import build_config  # noqa: PLC0415 - YAML is heavy

    config = build_config(builder.read_settings())
    return f"The configuration of {config.application.service_name} is right."


def _schema(builder: ApplicationGenericBuilder[Any]) -> str:
    from fastapi_factory_utilities.core.app.loading import json_schema  # noqa: PLC0415 - YAML is heavy

    return json.dumps(json_schema(builder.application_class.CONFIG_CLASS, builder.sections()), indent=2)
