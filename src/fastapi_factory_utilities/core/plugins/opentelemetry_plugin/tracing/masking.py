"""Keeps secrets out of spans, at little cost: the same few texts come again and again."""

from collections.abc import Iterable
from typing import Final

from fastapi_factory_utilities.core.redaction import has_secret, redact, registry
from fastapi_factory_utilities.core.telemetry import AttributeValue

__all__ = ["are_clean", "masked"]

_MOST_REMEMBERED: Final = 1024
_LONGEST_REMEMBERED: Final = 128

# The secrets that were known then, and texts that hold none of them. Replaced as a whole: threads see one or the other.
_remembered: tuple[object, set[str]] = (None, set())


def are_clean(name: str, values: Iterable[AttributeValue]) -> bool:
    """Say whether `masked` would change nothing; one look at all texts together is cheaper than one at each."""
    known = registry._texts  # noqa: SLF001 - another object whenever a secret is added or forgotten
    secrets, clean = _remembered
    if secrets is not known or len(clean) > _MOST_REMEMBERED:
        clean = _forget(known)
    unknown = [] if name in clean else [name]
    for value in values:
        kind = type(value)
        if kind is str:
            if value not in clean:
                unknown.append(value)  # type: ignore[arg-type]  # a text, as was just seen
        elif kind is tuple and value and type(value[0]) is str:  # type: ignore[index]  # likewise
            return False
    if not unknown:
        return True
    if has_secret("\0".join(unknown)):
        return False
    clean.update(text for text in unknown if len(text) <= _LONGEST_REMEMBERED)
    return True


def masked(value: AttributeValue) -> AttributeValue:
    """Mask the secrets in one value."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, tuple) and value and isinstance(value[0], str):
        return tuple(redact(str(item)) for item in value)
    return value


def _forget(known: object) -> set[str]:
    global _remembered  # noqa: PLW0603 - see above
    clean: set[str] = set()
    _remembered = (known, clean)
    return clean
