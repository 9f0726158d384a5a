"""Which of the two JSON forms the client would rather have (RFC 9110, 12.5.1)."""

from collections.abc import Iterable

__all__ = ["HEALTH_JSON", "wants_health_json"]

HEALTH_JSON = "application/health+json"
_JSON = "application/json"


def wants_health_json(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Say whether `application/health+json` is asked for, and not less than `application/json` is.

    A wildcard asks for neither: only who names the health form gets it.
    """
    accept = b",".join([value for name, value in headers if name == b"accept"])
    if b"health+json" not in accept.lower():
        return False
    qualities = _qualities(accept.decode("latin-1").lower())
    health = qualities.get(HEALTH_JSON, 0.0)
    return health > 0 and health >= qualities.get(_JSON, 0.0)


def _qualities(accept: str) -> dict[str, float]:
    qualities: dict[str, float] = {}
    for part in accept.split(","):
        media_type, *parameters = (piece.strip() for piece in part.split(";"))
        quality = next((value for name, _, value in (p.partition("=") for p in parameters) if name.strip() == "q"), "1")
        try:
            qualities[media_type] = min(1.0, max(0.0, float(quality)))
        except ValueError:
            qualities[media_type] = 0.0
    return qualities
