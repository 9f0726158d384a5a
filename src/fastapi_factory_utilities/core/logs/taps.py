"""Who else gets the lines that are written."""

from collections.abc import Callable

__all__ = ["LineTap", "add_line_tap", "tap_lines"]

LineTap = Callable[[str], object]

_taps: tuple[LineTap, ...] = ()


def add_line_tap(tap: LineTap) -> Callable[[], None]:
    """Give every line, as it is written and with secrets masked, to somebody else as well from now on.

    Args:
        tap: Called for every line, in the thread of the event: it returns at once and does not log. What it raises is
            lost.

    Returns:
        A function that takes the tap away again.
    """
    global _taps  # noqa: PLW0603 - replaced as a whole: threads see the old tuple or the new one
    _taps = (*_taps, tap)

    def remove() -> None:
        global _taps  # noqa: PLW0603 - see above
        _taps = tuple(each for each in _taps if each is not tap)

    return remove


def tap_lines(line: str) -> None:
    """Give a line to everybody who wants it."""
    for tap in _taps:
        try:  # noqa: SIM105 - this runs for every line, and a context manager costs more than all the rest
            tap(line)
        except Exception:  # noqa: BLE001, S110 - no line fails for who else wants it
            pass
