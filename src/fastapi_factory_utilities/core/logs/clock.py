"""Time as log lines write it, formatted once a second."""

import time

__all__ = ["local_time", "utc_timestamp"]

_MILLISECONDS = tuple(f"{number:03d}" for number in range(1000))

_utc: tuple[int, str] = (-1, "")
_local: tuple[int, str] = (-1, "")


def utc_timestamp(seconds: float) -> str:
    """Write a time of the epoch as ISO 8601 in UTC, to the millisecond: `2026-11-23T14:03:22.123Z`."""
    global _utc  # noqa: PLW0603 - one tuple, replaced as a whole: threads may share it
    whole = int(seconds)
    known, text = _utc
    if whole != known:
        text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))
        _utc = whole, text
    return f"{text}.{_MILLISECONDS[int((seconds - whole) * 1000)]}Z"


def local_time(seconds: float) -> str:
    """Write the time of day on the clock of whoever reads the terminal: `14:03:22.123`."""
    global _local  # noqa: PLW0603 - see above
    whole = int(seconds)
    known, text = _local
    if whole != known:
        text = time.strftime("%H:%M:%S", time.localtime(whole))
        _local = whole, text
    return f"{text}.{_MILLISECONDS[int((seconds - whole) * 1000)]}"
