"""Cross-origin requests, when the configuration allows any."""

from collections.abc import Sequence

from fastapi import FastAPI

__all__ = ["add_cors"]


def add_cors(
    app: FastAPI,
    *,
    allow_origins: Sequence[str] = (),
    allow_origin_regex: str | None = None,
    allow_methods: Sequence[str] = ("GET",),
    allow_headers: Sequence[str] = (),
    allow_credentials: bool = False,
    expose_headers: Sequence[str] = (),
    max_age: int = 600,
) -> None:
    """Let browsers of other origins use the service; without an origin or a pattern nothing is added.

    Args:
        app: The application; call this before it serves.
        allow_origins: Origins such as `https://app.example`, or `*`.
        allow_origin_regex: A pattern that the whole origin must match.
        allow_methods: HTTP methods, or `*`.
        allow_headers: Request headers, or `*`.
        allow_credentials: Whether cookies and authorization may be sent.
        expose_headers: Response headers that scripts may read.
        max_age: Seconds for which browsers may remember the answer to a preflight.
    """
    if not allow_origins and allow_origin_regex is None:
        return
    from starlette.middleware.cors import CORSMiddleware  # noqa: PLC0415 - most services have no browsers for clients

    app.add_middleware(
        CORSMiddleware,
        allow_origins=tuple(allow_origins),
        allow_origin_regex=allow_origin_regex,
        allow_methods=tuple(allow_methods),
        allow_headers=tuple(allow_headers),
        allow_credentials=allow_credentials,
        expose_headers=tuple(expose_headers),
        max_age=max_age,
    )
