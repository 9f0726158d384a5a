"""The command line: `fastapi-factory`, `ffu`, and `python -m fastapi_factory_utilities`.

Every command finds the application as `package.module:AppBuilder`.
"""

import argparse
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: The words after the program's name; by default those of the process.

    Returns:
        The exit status: 0 when all is well, 2 when a person has to correct something.
    """
    from fastapi_factory_utilities.cli import (  # noqa: PLC0415 - `--help` stays quick
        configuring,
        example,
        serving,
        working,
    )

    parser = argparse.ArgumentParser(
        prog="fastapi-factory", description="Serve and inspect services built on fastapi_factory_utilities."
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of a wrong set-up as well")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in (serving, working, configuring, example):
        module.add_to(commands)
    options = parser.parse_args(arguments)
    status: int = options.run(options)
    return status
