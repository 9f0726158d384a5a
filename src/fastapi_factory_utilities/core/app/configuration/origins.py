"""Where configured values come from."""

from typing import NamedTuple

__all__ = ["Origin"]


class Origin(NamedTuple):
    """Where a value came from; as text `application.yaml:14:9`, `env APP__ODM__URI`, `.env:3 APP__ODM__URI`.

    Attributes:
        source: A file's name, `env`, `secret`, `add_config()` or `default`.
        line: The line in the file, from 1; 0 where there are no lines.
        column: The column in the line, from 1; 0 where it is not known.
        name: The variable's name, or the placeholder in the file.
    """

    source: str
    line: int = 0
    column: int = 0
    name: str = ""

    def __str__(self) -> str:
        position = "".join(f":{number}" for number in (self.line, self.column) if number)
        return f"{self.source}{position} {self.name}".rstrip()
