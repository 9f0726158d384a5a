"""What was wrong with a request's content, said without repeating any of it."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

__all__ = ["ERRORS_LIMIT", "describe_errors"]

ERRORS_LIMIT = 100
_TOKEN_LENGTH = 200
# What a fragment may hold unescaped (RFC 3986, 3.5), less the "~" that JSON Pointer has escaped already.
_FRAGMENT_SAFE = "!$&'()*+,;=:@?-._~"


def describe_errors(errors: Sequence[Mapping[str, Any]], body: object = None) -> list[dict[str, Any]]:
    """Describe pydantic's errors for the client, the first 100 of them.

    Args:
        errors: As `RequestValidationError.errors()` gives them.
        body: The decoded request body, which tells the tokens of a location that are members from those that are not.

    Returns:
        For each: `loc`, where (as FastAPI says it), `pointer`, the same as a JSON Pointer (RFC 6901, in its URI
        fragment form) into a JSON body, `message`, and `type`. Never the value that was sent.
    """
    return [_describe(error, body) for error in errors[:ERRORS_LIMIT]]


def _describe(error: Mapping[str, Any], body: object) -> dict[str, Any]:
    location = tuple(error.get("loc", ()))
    kind = str(error.get("type", "invalid"))
    context = error.get("ctx") or {}
    message = str(error.get("msg", "Invalid value"))
    described: dict[str, Any] = {}
    if kind == "json_invalid":
        described |= {"loc": ["body"], "pointer": "#"}
        message = f"Invalid JSON: {context.get('error', 'it cannot be parsed')}"
    else:
        described["loc"] = [_shortened(token) for token in location]
        pointer = _pointer(location[1:], body, kind) if location[:1] == ("body",) else None
        if pointer is not None:
            described["pointer"] = pointer
    if kind == "union_tag_invalid":
        # The one message of pydantic that repeats what was sent.
        message = (
            f"The tag found using {context.get('discriminator')} does not match any of the expected tags: "
            f"{context.get('expected_tags')}"
        )
    return {**described, "message": message, "type": kind}


def _pointer(tokens: Sequence[object], body: object, kind: str) -> str | None:
    """Follow a location into the body, over the tokens that are not members of it (union branches, tags, "[key]")."""
    if not tokens:
        return "#"
    if not isinstance(body, dict | list):
        return None
    found: list[str] = []
    here: Any = body
    for index, token in enumerate(tokens):
        if _has(here, token):
            here = here[token]
        elif kind != "missing" or index != len(tokens) - 1:
            continue
        found.append(str(token))
    if any(len(token) > _TOKEN_LENGTH for token in found):
        return None
    return "#" + "".join(f"/{_escaped(token)}" for token in found)


def _has(here: object, token: object) -> bool:
    if isinstance(here, dict):
        return token in here
    return isinstance(here, list) and isinstance(token, int) and 0 <= token < len(here)


def _escaped(token: str) -> str:
    return quote(token.replace("~", "~0").replace("/", "~1"), safe=_FRAGMENT_SAFE, errors="replace")


def _shortened(token: object) -> object:
    return token[:_TOKEN_LENGTH] if isinstance(token, str) else token
