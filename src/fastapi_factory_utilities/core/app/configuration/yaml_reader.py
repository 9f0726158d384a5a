"""Reads YAML of people, and refuses that of enemies quickly: depth, number, repetition and types are bounded."""

import re
from collections.abc import Iterator
from typing import Any, Final

import yaml
from yaml import events

from fastapi_factory_utilities.core.app.configuration.composing import Composer, RefusedError
from fastapi_factory_utilities.core.app.configuration.origins import Origin
from fastapi_factory_utilities.core.app.configuration.problems import ConfigProblem
from fastapi_factory_utilities.core.app.configuration.tree import Branch

__all__ = ["read_yaml"]

_PARSER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # written in C where PyYAML was built with it
_CONTROL: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # YAML 1.1, 5.1
_DIRECTIVE: Final = re.compile(r"^%", re.MULTILINE)
_COMMENT: Final = r"(?:(?<=\s)|^)#[^\n\r]*"
_LINE_END: Final = "\r\n|[\n\r\x85\u2028\u2029]"  # what YAML 1.1 counts as one

# What the parser says, and what a person should look at; its own words may quote the file.
_REASONS: Final = (
    ("end of stream", "a quote is opened and never closed", "close the quote that begins here"),
    ("document separator", "a quote is opened and never closed", "close the quote that begins here"),
    ("mapping values are not allowed", "a `: ` where no key can be", "quote the text, or correct the indentation"),
    ("',' or ']'", "a `[` is opened and never closed", "close the list that begins here, or quote the text"),
    ("',' or '}'", "a `{` is opened and never closed", "close the mapping that begins here, or quote the text"),
    ("node content", "a value is missing", "close the brackets before it, or quote the text"),
    ("escape", "an unknown escape in double quotes", "double the backslash, or use single quotes"),
    ("directive", "a directive", "remove the line that begins with %"),
    ("tag", "a tag that cannot be read", "remove the tag, or quote the text"),
    ("anchor", "an anchor that cannot be read", "quote the text that begins with & or *"),
    ("alias", "an alias that cannot be read", "quote the text that begins with & or *"),
    ("cannot start any token", "a character that no value begins with", "put the text in quotes"),
    ("':'", "a line that is neither a key nor a part of the one before", "write `key: value`, or indent the line"),
    ("key", "a line that does not fit the indentation above", "indent all keys of a mapping alike"),
    ("block", "a line that does not fit the indentation above", "indent all keys of a mapping alike"),
)
_FROM_THE_START: Final = ("quote", "`[`", "`{`")  # mistakes that are found at the end and made at the start
_TABS: Final = ("a tab", "use spaces: YAML does not take tabs for indentation, nor around keys and values")


def read_yaml(data: bytes, source: str) -> tuple[Branch, list[ConfigProblem]]:
    """Read a file's content into a tree, placeholders left as they are.

    Args:
        data: The content, of `MAX_BYTES` at most: whoever reads the file sees to that.
        source: What to call the file in origins.

    Returns:
        What could be read, and the mistakes: with one that keeps the file from being read, the tree is empty.
    """
    composer = Composer(source)
    try:
        text = _decode(data, source)
        return composer.compose(_events(text, source)), composer.problems
    except RefusedError as refused:
        return Branch({}, {}, Origin(source)), [*composer.problems, refused.problem]


def _decode(data: bytes, source: str) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        raise _refused(_position(before, source), "not UTF-8", "save the file as UTF-8") from None
    control = _CONTROL.search(text)
    if control:
        origin = _position(text[: control.start()], source)
        raise _refused(origin, "a control character", "remove it, or write an escape in double quotes")
    directive = _DIRECTIVE.search(text)
    if directive:
        origin = _position(text[: directive.start()], source)
        raise _refused(origin, "a line that begins with %", "directives are not read: remove the line, or indent it")
    return text


def _events(text: str, source: str) -> Iterator[events.Event]:
    """Parse; when there is a tab in the file, see that it is inside of a text or comment."""
    has_tabs = "\t" in text
    spans: list[tuple[int, int]] = []
    try:
        for event in yaml.parse(text, Loader=_PARSER):
            start, end = event.start_mark, event.end_mark
            if has_tabs and start and end and isinstance(event, events.ScalarEvent) and event.style:
                spans.append((start.index, end.index))  # quoted, or a block
            yield event
    except yaml.MarkedYAMLError as error:
        raise _explained(error, text, source) from None
    except yaml.YAMLError:
        raise _refused(Origin(source), "this is not YAML", "check the file's encoding and content") from None
    if has_tabs:
        _refuse_tabs(text, spans, source)


def _refuse_tabs(text: str, spans: list[tuple[int, int]], source: str) -> None:
    """Look for tabs between the quoted and block texts, comments left out."""
    position = 0
    for start, end in [*spans, (len(text), len(text))]:
        between = re.sub(_COMMENT, lambda comment: "#" * len(comment[0]), text[position:start], flags=re.MULTILINE)
        tab = between.find("\t")
        if tab >= 0:
            raise _refused(_position(text[: position + tab], source), *_TABS)
        position = end


def _explained(error: yaml.MarkedYAMLError, text: str, source: str) -> RefusedError:
    """Say what the parser found, without a word of the file."""
    mark: Any = error.problem_mark or error.context_mark
    if mark is None:
        return _refused(Origin(source), "this is not YAML", "check quotes and indentation")
    found = f"{error.problem} {error.context}"
    if text[mark.index : mark.index + 1] == "\t":
        message, hint = _TABS
    else:
        message, hint = next(
            ((message, hint) for sign, message, hint in _REASONS if sign in found),
            ("this is not YAML", "check quotes and indentation around here"),
        )
        if error.context_mark and any(sign in message for sign in _FROM_THE_START):
            mark = error.context_mark
    return _refused(Origin(source, mark.line + 1, mark.column + 1), message, hint)


def _position(before: str, source: str) -> Origin:
    """The origin of what follows a text."""
    lines = re.split(_LINE_END, before)
    return Origin(source, len(lines), len(lines[-1]) + 1)


def _refused(origin: Origin, message: str, hint: str) -> RefusedError:
    return RefusedError(ConfigProblem("", message, origin, hint))
