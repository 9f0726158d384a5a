"""The secrets this process knows."""

import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from itertools import chain
from types import ModuleType
from typing import Final
from urllib.parse import unquote

from fastapi_factory_utilities.core.redaction.mask import REDACTED

__all__ = [
    "MINIMUM_SECRET_LENGTH",
    "REDACTED",
    "forget_secrets",
    "has_secret",
    "preserved_secrets",
    "redact",
    "register_secrets",
]

MINIMUM_SECRET_LENGTH: Final = 4
"""Shorter values are not registered: masking every `a` or `42` would leave no log to read."""

_WORTH_COMPARING: Final = 500

_lock = threading.Lock()
_forms_of: dict[str, tuple[frozenset[str], frozenset[str]]] = {}
_texts: tuple[str, ...] = ()  # what to look for, longest first
_base64: tuple[str, ...] = ()  # the same as pieces of base64, longest first
_signs: tuple[str, ...] = ()  # the shortest of both: where none of these is, there is no other
_capital_signs: tuple[str, ...] = ()  # those of them that need only be looked for where `_has_capitals`


def register_secrets(values: Iterable[str]) -> None:
    """Remember secret values, so that `redact` masks them from now on, in every thread.

    The password inside a URL (`scheme://user:password@host`) is registered along with the URL.

    Args:
        values: The secrets in clear text. Those under `MINIMUM_SECRET_LENGTH` characters are left out.
    """
    from fastapi_factory_utilities.core.redaction import forms  # noqa: PLC0415 - not for readers

    given = [values] if isinstance(values, str) else list(values)
    passwords = [password for value in given for password in _shapes().passwords_in(value)]
    with _lock:
        for value in chain(given, map(str.strip, given), passwords, map(unquote, passwords)):
            if len(value) >= MINIMUM_SECRET_LENGTH and value not in _forms_of:
                _forms_of[value] = forms.text_forms(value), forms.base64_forms(value)
        _publish()


def forget_secrets(values: Iterable[str] | None = None) -> None:
    """Forget these secret values; without an argument, all of them. Meant for tests."""
    with _lock:
        for value in list(_forms_of) if values is None else values:
            _forms_of.pop(value, None)
        _publish()


@contextmanager
def preserved_secrets() -> Iterator[None]:
    """Put the registry back as it was at the end of the block. Meant for tests."""
    before = set(_forms_of)
    try:
        yield
    finally:
        forget_secrets([value for value in _forms_of if value not in before])
        register_secrets(before)


def has_secret(text: str) -> bool:
    """Say whether `redact` would change the text; one or two microseconds for a log line and ten secrets."""
    for form in _signs:
        if form in text:
            return True
    if _capital_signs and _has_capitals(text):
        for form in _capital_signs:
            if form in text:
                return True
    # A single letter is found much faster than several.
    return (
        ("@" in text and "://" in text) or ("J" in text and "eyJ" in text) or "earer " in text or "asic " in text
    ) and _shapes().has_shape(text)


def redact(text: str) -> str:
    """Mask every known secret value, and whatever has the shape of a credential, in a text."""
    if not has_secret(text):
        return text
    for form in _texts:
        if form in text:
            text = text.replace(form, REDACTED)
    for form in _base64:
        if form in text:  # the characters at both ends hold the secret's outer bits
            text = re.sub(f"[A-Za-z0-9+/_-]?{re.escape(form)}[A-Za-z0-9+/_-]?=*", REDACTED, text)
    masked: str = _shapes().mask_shapes(text)
    return masked


@cache
def _shapes() -> ModuleType:
    """Import the patterns when they are first needed: compiling them costs more than the rest of this package."""
    return import_module("fastapi_factory_utilities.core.redaction.shapes")


def _publish() -> None:
    """Replace what readers see, the lock being held."""
    global _texts, _base64, _signs, _capital_signs  # noqa: PLW0603 - readers see an old tuple or a new one, never a half
    _texts = tuple(sorted({form for forms, _ in _forms_of.values() for form in forms}, key=_longest_first))
    _base64 = tuple(sorted({form for _, forms in _forms_of.values() for form in forms}, key=_longest_first))
    signs = _shortest({*_texts, *_base64})
    _signs = tuple(form for form in signs if not _has_capitals(form))
    _capital_signs = tuple(form for form in signs if _has_capitals(form))


def _shortest(forms: set[str]) -> list[str]:
    """Drop the forms that contain another one, as a URL contains its password."""
    if len(forms) > _WORTH_COMPARING:
        return list(forms)
    kept: list[str] = []
    for form in sorted(forms, key=len):
        if not any(other in form for other in kept):
            kept.append(form)
    return kept


# Random secrets and base64 are full of capitals, log lines are not. When all else that they consist of is left out,
# five capitals in a row are a sign of them; and what holds for a part of a text holds for the text.
_SMALL: Final = b"abcdefghijklmnopqrstuvwxyz0123456789+/-_"
_TO_CAPITAL: Final = bytes(b"A"[0] if b"A"[0] <= octet <= b"Z"[0] else octet for octet in range(256))


def _has_capitals(text: str) -> bool:
    # `find`, as `in` takes three times as long for bytes
    return text.encode("utf-8", "surrogatepass").translate(_TO_CAPITAL, _SMALL).find(b"AAAAA") >= 0


def _longest_first(form: str) -> tuple[int, str]:
    return -len(form), form
