"""The mistakes in a configuration, and the one error that tells them all."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, Self

from fastapi_factory_utilities.core.app.configuration.origins import Origin
from fastapi_factory_utilities.core.exceptions import FastAPIFactoryUtilitiesError

__all__ = ["ConfigBuilderError", "ConfigProblem", "dotted", "nearest", "shown_key"]

_INDENT: Final = "     "
_LONGEST_KEY: Final = 60
_MOST: Final = 100  # mistakes in one message: a person corrects the first ones and tries again


class ConfigProblem(NamedTuple):
    """One mistake; no part of it ever holds a configured value.

    Attributes:
        path: The key, such as `odm.uri` or `logging[0].level`; empty when it is about a whole source.
        message: What is wrong with it.
        origin: Where the value, or the unknown key, was given.
        hint: What to do next; may have several lines, such as an example to paste.
    """

    path: str
    message: str
    origin: Origin | None = None
    hint: str = ""

    def __str__(self) -> str:
        where = " ".join(str(part) for part in (self.origin, self.path and f"[{self.path}]") if part)
        text = f"{where}: {self.message}" if where else self.message
        return f"{text}\n{self.hint}" if self.hint else text


class ConfigBuilderError(FastAPIFactoryUtilitiesError):
    """The configuration is wrong; the message has every mistake of every source and section.

    Attributes:
        problems: The same mistakes for a program.
    """

    def __init__(self, problems: Iterable[ConfigProblem], service: str = "") -> None:
        self.problems: tuple[ConfigProblem, ...] = tuple(dict.fromkeys(problems))
        self._service = service
        count = "1 mistake" if len(self.problems) == 1 else f"{len(self.problems)} mistakes"
        of_service = f" of {service}" if service else ""
        lines = [f"The configuration{of_service} has {count}; nothing was started."]
        for number, problem in enumerate(self.problems[:_MOST], 1):
            first, *more = str(problem).splitlines()
            lines += [f"{number:3}. {first}", *(_INDENT + line for line in more)]
        if len(self.problems) > _MOST:
            lines.append(f"     ... and {len(self.problems) - _MOST} more")
        super().__init__("\n".join(lines), problems=self.problems)

    def __reduce__(self) -> tuple[type[Self], tuple[tuple[ConfigProblem, ...], str]]:
        return type(self), (self.problems, self._service)


def dotted(parts: Iterable[str | int]) -> str:
    """Write a path as people do: `logging[0].level`."""
    path = ""
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += ("." if path else "") + shown_key(part)
    return path


def shown_key(key: str) -> str:
    """Write a key that may be anything so that it takes a few words of one line."""
    key = key if len(key) <= _LONGEST_KEY else f"{key[:_LONGEST_KEY]}..."
    return key if key.isprintable() else ascii(key)[1:-1]


def nearest(word: str, candidates: Sequence[str]) -> str | None:
    """Find the candidate that was probably meant."""
    from difflib import get_close_matches  # noqa: PLC0415 - only a mistake needs it

    by_lower = {candidate.casefold(): candidate for candidate in candidates}
    matches = get_close_matches(word.casefold(), by_lower, n=1, cutoff=0.6)
    return by_lower[matches[0]] if matches else None
