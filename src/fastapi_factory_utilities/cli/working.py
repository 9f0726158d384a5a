"""`worker` and `scheduler`: the processes of a service that answer no requests."""

import argparse
from functools import partial

from fastapi_factory_utilities.cli.target import load_builder

__all__ = ["add_to", "run"]


def add_to(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> None:
    """Add the commands to the parser."""
    for role, says in (
        ("worker", "run an application's tasks until told to stop"),
        ("scheduler", "send an application's tasks when they are due; of several, one does"),
    ):
        parser = commands.add_parser(role, help=says)
        parser.add_argument("target", metavar="PACKAGE.MODULE:BUILDER", help="the application's builder")
        parser.add_argument("--config", metavar="FILE", help="one more configuration file (also APP_CONFIG_FILE)")
        if role == "worker":
            parser.add_argument("--processes", type=_at_least_one, default=1, help="how many processes (default: 1)")
        parser.add_argument("--health-port", type=int, metavar="PORT", help="answer the orchestrator's probes here")
        parser.set_defaults(run=partial(run, role))


def run(role: str, options: argparse.Namespace) -> int:
    """Run the process, and return its exit status."""
    from fastapi_factory_utilities.core.app.server import WRONG_SETUP, serve, tell  # noqa: PLC0415 - uvicorn is heavy
    from fastapi_factory_utilities.core.exceptions import FastAPIFactoryUtilitiesError  # noqa: PLC0415 - with it
    from fastapi_factory_utilities.core.plugins import ProcessRole  # noqa: PLC0415 - with it

    try:
        builder = load_builder(options.target)
    except FastAPIFactoryUtilitiesError as error:
        tell(error, debug=options.debug)
        return WRONG_SETUP
    if options.config:
        builder.add_config_file(options.config)
    builder.set_role(ProcessRole(role))
    processes = getattr(options, "processes", 1)
    return serve(builder, processes=processes, health_port=options.health_port, debug=options.debug)


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number
