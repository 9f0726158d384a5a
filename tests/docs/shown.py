"""Whether what a page shows is what was printed."""

import json
import re
from collections.abc import Sequence

__all__ = ["difference", "missing_lines", "normalised"]

# What differs from run to run; each is compared as what it is.
_VARYING: Sequence[tuple[re.Pattern[str], str]] = (
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?"), "<time>"),
    (re.compile(r"\b\d\d:\d\d:\d\d(?:\.\d+)?\b"), "<time>"),
    (re.compile(r"\b[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} <time> GMT"), "<time>"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "<trace id>"),
    (re.compile(r"\b[0-9a-f]{16}\b"), "<span id>"),
    (re.compile(r"\b(?:localhost|127\.0\.0\.1|0\.0\.0\.0):\d{4,5}\b"), "<host>:<port>"),
    (re.compile(r"""((?:_seconds|_ms)["']?\s*[=:]\s*)-?\d+(?:\.\d+)?"""), r"\1<n>"),
    (re.compile(r"""(\b(?:pid|pids|bytes)["']?\s*[=:]\s*)\[?\d+(?:, \d+)*\]?"""), r"\1<n>"),
    (re.compile(r"\b(?:in )?\d+\.\d+ ?s\b"), "<n> s"),
)


def normalised(text: str) -> str:
    """Replace what differs from run to run."""
    for pattern, name in _VARYING:
        text = pattern.sub(name, text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def difference(expected: str, actual: str) -> str | None:
    """Say how what was printed differs from what is shown; None when it does not.

    JSON is compared as JSON, so a page may lay it out for people; `...` stands for anything.
    """
    wanted, got = normalised(expected), normalised(actual)
    if wanted == got or _pattern(wanted).fullmatch(got):
        return None
    if "..." not in wanted and (left := _json(wanted)) is not None and left == _json(got):
        return None
    return f"the page shows:\n{wanted}\n\nbut it prints:\n{got}"


def missing_lines(expected: str, actual: str) -> str | None:
    """Say which shown line is not among the printed ones, in order; None when all are.

    A service logs more than a page wants to show, so other lines may stand between.
    """
    printed = iter(normalised(actual).splitlines())
    for line in normalised(expected).splitlines():
        if line.strip() in {"", "..."}:
            continue
        pattern, document = _pattern(line), _json(line)
        if not any(
            pattern.fullmatch(candidate) or (document is not None and document == _json(candidate))
            for candidate in printed
        ):
            return f"the page shows the line\n{line}\n\nbut the service prints:\n{normalised(actual)}"
    return None


def _pattern(text: str) -> re.Pattern[str]:
    # A line of dots is one wildcard: with one for every three of them a mismatch would be looked for until tomorrow.
    return re.compile(".*".join(re.escape(part) for part in re.split(r"\.{3,}", text)), re.DOTALL)


def _json(text: str) -> object:
    # A value that varies may stand there without quotes.
    quoted = re.sub(r'(?<!")<n>(?!")', '"<n>"', text)
    try:
        document: object = json.loads(quoted)
    except ValueError:
        return None
    return document
