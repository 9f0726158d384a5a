"""Sentences for what pydantic finds; none of them holds the value.

pydantic's own messages may quote it (`found `z` at 1`), and so may those of validators that people write.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import unquote

from fastapi_factory_utilities.core.rules import BROKEN_RULE

__all__ = ["choices_of", "sentence_of", "without_values"]

_WHOLE_NUMBER = "must be a whole number"
_NUMBER = "must be a number"
_BOOLEAN = "must be true or false"
_TEXT = "must be text"
_LIST = "must be a list"
_MAPPING = "must be a mapping with keys"
_DATE = "must be a date such as 2024-05-31"
_TIME = "must be a time such as 14:30:00"
_MOMENT = "must be a date and time such as 2024-05-31T14:30:00Z"
_DURATION = "must be a duration: a number of seconds, or such as PT30S"
_URL = "must be a URL such as https://service.example/path"
_UUID = "must be a UUID"
_ENUM = "must be one of {expected}"

# By pydantic's error types; what is in braces comes from the model, never from the value.
_SENTENCES: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "extra_forbidden": "is not a known key",
    "invalid_key": "has a key that is not text",
    "none_required": "must be null",
    "recursion_loop": "contains itself",
    "recursion_depth_exceeded": "is nested too deeply",
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), _WHOLE_NUMBER),
    "int_parsing_size": "has too many digits",
    **dict.fromkeys(("float_type", "float_parsing", "decimal_type", "decimal_parsing", "fraction_type"), _NUMBER),
    **dict.fromkeys(("fraction_parsing", "complex_type", "complex_str_parsing"), _NUMBER),
    **dict.fromkeys(("bool_type", "bool_parsing"), _BOOLEAN),
    **dict.fromkeys(("string_type", "bytes_type"), _TEXT),
    **dict.fromkeys(("string_unicode", "bytes_invalid_encoding"), "must be text in UTF-8"),
    "string_not_ascii": "must be ASCII text",
    "string_sub_type": _TEXT,
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "bytes_too_short": "must have at least {min_length} bytes",
    "bytes_too_long": "must have at most {max_length} bytes",
    "string_pattern_mismatch": "must match the pattern {pattern}",
    "too_short": "must have at least {min_length} items",
    "too_long": "must have at most {max_length} items",
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type", "deque_type", "iterable_type"), _LIST),
    "named_tuple_type": _LIST,
    "iteration_error": _LIST,
    "set_item_not_hashable": "must be a list of plain values",
    **dict.fromkeys(("dict_type", "mapping_type", "model_type", "model_attributes_type", "dataclass_type"), _MAPPING),
    **dict.fromkeys(("dataclass_exact_type", "ordered_dict_type", "frozen_dict_type", "counter_type"), _MAPPING),
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be {ge} or more",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be {le} or less",
    "multiple_of": "must be a multiple of {multiple_of}",
    "finite_number": "must be a finite number",
    "decimal_max_digits": "must have at most {max_digits} digits",
    "decimal_max_places": "must have at most {decimal_places} decimal places",
    "decimal_whole_digits": "must have at most {whole_digits} digits before the decimal point",
    **dict.fromkeys(("enum", "literal_error"), _ENUM),
    **dict.fromkeys(("date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact"), _DATE),
    "date_past": "must be in the past",
    "date_future": "must be in the future",
    **dict.fromkeys(("time_type", "time_parsing"), _TIME),
    **dict.fromkeys(("datetime_type", "datetime_parsing", "datetime_from_date_parsing"), _MOMENT),
    "datetime_object_invalid": _MOMENT,
    "datetime_past": "must be in the past",
    "datetime_future": "must be in the future",
    "timezone_naive": "must not have a time zone",
    "timezone_aware": "must have a time zone, such as Z",
    "timezone_offset": "must have the time zone offset of {tz_expected} seconds",
    **dict.fromkeys(("time_delta_type", "time_delta_parsing"), _DURATION),
    **dict.fromkeys(("url_type", "url_parsing", "url_syntax_violation"), _URL),
    "url_too_long": "must have at most {max_length} characters",
    "url_scheme": "must begin with {expected_schemes} and ://",
    **dict.fromkeys(("uuid_type", "uuid_parsing"), _UUID),
    "uuid_version": "must be a UUID of version {expected_version}",
    "union_tag_invalid": "has another {discriminator} than {expected_tags}",
    "union_tag_not_found": "has no {discriminator}, which says what it is",
    "json_invalid": "must be JSON",
    "json_type": "must be JSON in a text",
    "path_not_file": "is not the path of a file",
    "path_not_directory": "is not the path of a directory",
    "path_exists": "exists already",
    "callable_type": "cannot be given in a file",
    "is_instance_of": "cannot be given in a file: it must be an object of the class {class}",
    "is_subclass_of": "cannot be given in a file: it must be a class that extends {class}",
}
_OF_VALIDATORS: Final = frozenset({"value_error", "assertion_error"})
_WORD: Final = r"\w{3,}"
_SHORT: Final = 3
_HIDDEN: Final = "***"


def sentence_of(error: Mapping[str, Any], values: Iterable[Any]) -> str:
    """Say an error of pydantic's in a sentence that continues a key.

    Args:
        error: One of `ValidationError.errors()`.
        values: All values that a validator may have seen, and must not have told.
    """
    kind: str = error["type"]
    context: Mapping[str, Any] = error.get("ctx") or {}
    if kind == BROKEN_RULE:
        return str(context["sentence"])
    template = _SENTENCES.get(kind)
    if template is not None:
        try:
            return template.format_map(context)
        except KeyError:  # somebody's own error under a name of pydantic's
            return "is not valid"
    text = str(context["error"]) if kind in _OF_VALIDATORS and "error" in context else str(error["msg"])
    return without_values(text, values)


def choices_of(error: Mapping[str, Any]) -> list[str]:
    """The values that were allowed where a choice was wrong."""
    if error["type"] not in ("enum", "literal_error"):
        return []
    return re.findall(r"'([^']*)'", str((error.get("ctx") or {}).get("expected", "")))


def without_values(text: str, values: Iterable[Any]) -> str:
    """Hide every word of a text that occurs in one of the values, in whatever case, encoded or not."""
    seen = [str(value) for value in values if value is not None and not isinstance(value, bool)]
    seen += [unquote(value) for value in seen if "%" in value]
    haystack = "\n".join(seen).casefold()
    for value in sorted({value.strip() for value in seen}, key=len, reverse=True):
        if len(value) > _SHORT:
            text = text.replace(value, _HIDDEN)
        elif value:
            text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", _HIDDEN, text)
    if not text:
        return "is refused by a validator"
    words = re.findall(_WORD, text)
    hidden = {word for word in words if word.casefold() in haystack}
    if len(hidden) * 2 > len(set(words)) or not text.replace(_HIDDEN, "").strip():
        return "is refused by a validator, whose message is not shown because it contains the value"
    text = re.sub(_WORD, lambda word: _HIDDEN if word[0] in hidden else word[0], text)
    return " ".join(text.split())
