"""`serve`: run a service."""

import argparse
from typing import Any

from fastapi_factory_utilities.cli.target import load_builder

__all__ = ["add_to", "run"]


def add_to(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("serve", help="serve an application until told to stop")
    parser.add_argument("target", metavar="PACKAGE.MODULE:BUILDER", help="the application's builder")
    parser.add_argument("--config", metavar="FILE", help="one more configuration file (also APP_CONFIG_FILE)")
    parser.add_argument("--host", help="overrides server.host")
    parser.add_argument("--port", type=int, help="overrides server.port")
    parser.add_argument("--workers", type=int, help="overrides server.workers")
    parser.add_argument("--reload", action="store_true", help="overrides development.reload")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve, and return the exit status."""
    from fastapi_factory_utilities.core.app.server import WRONG_SETUP, serve, tell  # noqa: PLC0415 - uvicorn is heavy
    from fastapi_factory_utilities.core.exceptions import FastAPIFactoryUtilitiesError  # noqa: PLC0415 - with it

    try:
        builder = load_builder(options.target)
    except FastAPIFactoryUtilitiesError as error:
        tell(error, debug=options.debug)
        return WRONG_SETUP
    if options.config:
        builder.add_config_file(options.config)
    given = {key: getattr(options, key) for key in ("host", "port", "workers") if getattr(options, key) is not None}
    overrides: dict[str, Any] = {"server": given} if given else {}
    if options.reload:
        overrides["development"] = {"reload": True}
    if overrides:
        builder.add_config(overrides)
    return serve(builder, debug=options.debug)
