"""The language of trace stories.

::

    story  = branch { ";" branch }              spans beside one another, by the time they began
    branch = span [ ">" story ] | "(" story ")" | "..."
    span   = name [ "[" key "=" value { "," key "=" value } "]" ]

`POST /books > insert books; publish > process` is a request that caused two things, the second of which caused a third.
What stands right of `>` is below it, up to the end or the closing parenthesis: `(a > b); c` are two roots, and
`a > b; c` is one with two children. White space, line breaks too, separates words and means nothing else.

- `*` in a name or value stands for any text, none included: `insert *`.
- `...` stands for any spans, none included, with all that is below them: `POST /books > publish *; ...`.
- Names with one of `> ; ( ) [ ] "` are put in double quotes, in which `*` is a star: `"process (temporary)"`.
- In brackets stand attributes, and `kind` and `status`: `GET /books [kind=server, http.response.status_code=200]`.
"""

import re
from dataclasses import dataclass
from functools import cached_property

from fastapi_factory_utilities.testing.telemetry.records import SpanRecord

__all__ = ["MORE", "More", "Pattern", "StoryError", "parse"]

_TOKEN = re.compile(
    r'\s*(?:(?P<sign>\.\.\.|[>;()])|"(?P<quoted>[^"]*)"|\[(?P<conditions>[^\]]*)\]|(?P<bare>[^>;()\[\]"]+))'
)


class StoryError(ValueError):
    """A trace story is not written as its grammar wants."""


@dataclass(frozen=True, slots=True)
class More:
    """Any further spans."""

    def __str__(self) -> str:
        return "..."


MORE = More()


@dataclass(frozen=True)
class Pattern:
    """What a story says of one span.

    Attributes:
        text: As it was written.
        name: A regular expression for its name.
        conditions: What is asked of its attributes, kind and status, by key.
        below: What it caused.
    """

    text: str
    name: re.Pattern[str]
    conditions: tuple[tuple[str, str], ...] = ()
    below: "tuple[Pattern | More, ...]" = ()

    def __str__(self) -> str:
        return self.text

    @cached_property
    def _values(self) -> tuple[tuple[str, str, re.Pattern[str]], ...]:
        return tuple((key, value, _wild(value)) for key, value in self.conditions)

    def why_not(self, span: SpanRecord) -> str | None:
        """Say which condition a span of this name does not meet; `None` when it meets all."""
        for key, value, wanted in self._values:
            found = _value_of(span, key)
            if found is None:
                return f"{span.name!r} has no {key}, the story says {value}"
            if not wanted.fullmatch(found):
                return f"{span.name!r} has {key}={found}, the story says {value}"
        return None


def parse(story: str) -> "tuple[Pattern | More, ...]":
    """Read a story.

    Raises:
        StoryError: It is not written as the grammar wants; the message shows where.
    """
    reader = _Reader(story)
    found = reader.story()
    if reader.sign is not None:
        raise reader.error('unexpected ")"')
    return found


class _Reader:
    """Reads a story from left to right, one token ahead."""

    def __init__(self, story: str) -> None:
        self._story = story.rstrip()
        self._at = self._end = 0
        self._token: re.Match[str] | None = None
        self._next()

    @property
    def sign(self) -> str | None:
        """The sign that is next; `None` at the end, an empty text before a name."""
        return None if self._token is None else self._token["sign"] or ""

    def error(self, what: str) -> StoryError:
        """Say what is wrong where we are."""
        line = " ".join(self._story[: self._at].split("\n"))
        return StoryError(
            f"{what} in the trace story, here:\n  {' '.join(self._story.split(chr(10)))}\n  {' ' * len(line)}^"
        )

    def story(self) -> "tuple[Pattern | More, ...]":
        branches = list(self._branch())
        while self.sign == ";":
            self._next()
            branches += self._branch()
        if self.sign not in (None, ")"):
            raise self.error('expected ">" or ";"')
        return tuple(branches)

    def _branch(self) -> "tuple[Pattern | More, ...]":
        if self.sign == "...":
            self._next()
            return (MORE,)
        if self.sign == "(":
            self._next()
            inside = self.story()
            if self.sign != ")":
                raise self.error('expected ")"')
            self._next()
            if self.sign == ">":
                raise self.error('a group has nothing below it: write ">" after a name')
            return inside
        return (self._span(),)

    def _span(self) -> Pattern:
        token = self._token
        if token is None or (token["bare"] is None and token["quoted"] is None):
            raise self.error("expected the name of a span")
        quoted, bare = token["quoted"], " ".join((token["bare"] or "").split())
        text = token[0].strip() if quoted is not None else bare
        self._next()
        conditions: tuple[tuple[str, str], ...] = ()
        if self._token is not None and self._token["conditions"] is not None:
            conditions = self._conditions(self._token["conditions"])
            text += f" [{', '.join(f'{key}={value}' for key, value in conditions)}]"
            self._next()
        below: tuple[Pattern | More, ...] = ()
        if self.sign == ">":
            self._next()
            below = self.story()
        return Pattern(text, _wild(bare) if quoted is None else re.compile(re.escape(quoted)), conditions, below)

    def _conditions(self, text: str) -> tuple[tuple[str, str], ...]:
        found = []
        for condition in text.split(","):
            key, equals, value = (part.strip() for part in condition.partition("="))
            if not key or not equals:
                raise self.error("expected key=value in the brackets")
            found.append((key, value))
        return tuple(found)

    def _next(self) -> None:
        self._at = self._end
        if self._at >= len(self._story):
            self._token = None
            return
        self._token = _TOKEN.match(self._story, self._end)
        if self._token is None:
            raise self.error("a quote or bracket without its other half")
        self._at, self._end = (
            self._token.start() + len(self._token[0]) - len(self._token[0].lstrip()),
            self._token.end(),
        )


def _wild(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in text.split("*")), re.DOTALL)


def _value_of(span: SpanRecord, key: str) -> str | None:
    if key == "kind":
        return span.kind.name.lower()
    if key == "status":
        return span.status
    value = span.attributes.get(key)
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None else str(value)
