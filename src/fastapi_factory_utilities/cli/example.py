"""`example`: run the Books service that ships with the library."""

import argparse

__all__ = ["add_to", "run"]


def add_to(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("example", help="run the example service against MONGO_URI")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:  # noqa: ARG001 - every command has this signature
    """Serve the example, and return the exit status."""
    from fastapi_factory_utilities.example.__main__ import main  # noqa: PLC0415 - needs the mongo extra

    return main()
