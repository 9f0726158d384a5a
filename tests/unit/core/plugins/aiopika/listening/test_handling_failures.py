"""An outage does not flood the log."""

from fastapi_factory_utilities.core.plugins.aiopika.handling_failures import FailureLog


class Lines:
    def __init__(self) -> None:
        self.now = 0.0
        self.written: list[dict[str, object]] = []
        self.log = FailureLog(lambda: self.now)

    def tell(self, cause: str = "OSError") -> None:
        self.log.tell(lambda event, **facts: self.written.append({"event": event, **facts}), "failed", cause, queue="q")


def test_a_cause_gets_so_many_lines_a_minute_and_the_rest_is_counted() -> None:
    lines = Lines()
    for _ in range(1000):
        lines.tell()
    assert len(lines.written) == 20
    lines.now = 60.0
    lines.tell()
    assert lines.written[-1] == {"event": "failed", "queue": "q", "suppressed": 980}
    lines.tell()
    assert "suppressed" not in lines.written[-1]


def test_another_cause_has_lines_of_its_own() -> None:
    lines = Lines()
    for _ in range(100):
        lines.tell()
    lines.tell("KeyError")
    assert len(lines.written) == 21


def test_endless_causes_share_an_allowance() -> None:
    lines = Lines()
    for number in range(10_000):
        lines.tell(str(number))
    assert len(lines.written) == 100 + 20
