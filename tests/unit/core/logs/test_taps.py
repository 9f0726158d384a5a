"""Who else gets the lines that are written."""

import pytest

from fastapi_factory_utilities.core.logs import configure_logging, get_logger, log_request, reset_logging
from fastapi_factory_utilities.core.logs.taps import add_line_tap
from fastapi_factory_utilities.core.redaction import preserved_secrets, register_secrets

_log = get_logger("shop")


def test_a_tap_gets_every_line_as_it_is_written_access_lines_too_until_it_is_removed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tapped: list[str] = []

    def broken(line: str) -> None:
        raise RuntimeError(line)

    removals = [add_line_tap(broken), add_line_tap(tapped.append)]
    try:
        configure_logging("json")
        with preserved_secrets():
            register_secrets(["planted-secret-value"])
            _log.warning("order failed", token="planted-secret-value")
        log_request({"type": "http", "method": "GET", "path": "/books", "headers": []}, 200, 0.1)
        for remove in removals:
            remove()
        _log.warning("after")
    finally:
        reset_logging()
    written = capsys.readouterr().out.splitlines()
    assert tapped == written[:2]
    assert len(written) == 3
    assert "planted" not in str(tapped)
