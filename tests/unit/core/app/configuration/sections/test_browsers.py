"""What browsers may do is safe by default, and what is configured makes sense."""

import pytest
from pydantic import ValidationError

from fastapi_factory_utilities.core.app.config import CsrfConfig, SecurityHeadersConfig


def test_both_are_on_by_default() -> None:
    assert CsrfConfig().enabled
    assert CsrfConfig().trusted_origins == ()
    headers = SecurityHeadersConfig()
    assert headers.enabled
    assert headers.content_security_policy == "default-src 'none'; frame-ancestors 'none'"
    assert headers.strict_transport_security == "max-age=31536000"


@pytest.mark.parametrize("origin", ["*", "null", "app.example", "https://app.example/"])
def test_only_an_origin_can_be_trusted(origin: str) -> None:
    with pytest.raises(ValidationError, match="must be an origin such as"):
        CsrfConfig(trusted_origins=(origin,))


@pytest.mark.parametrize("value", ["", "a\r\nX-Other: b", "a\nb", "a\x00b", "é", " a"])
def test_a_value_ends_no_line(value: str) -> None:
    with pytest.raises(ValidationError, match="must be the value of a header"):
        SecurityHeadersConfig(content_security_policy=value)
    with pytest.raises(ValidationError, match="must be the value of a header"):
        SecurityHeadersConfig(headers={"Referrer-Policy": value})


@pytest.mark.parametrize("name", ["", "a b", "a:", "a\r\nb", "é", "Content-Length", "set-cookie", "Transfer-Encoding"])
def test_a_name_is_that_of_a_header_that_never_changes(name: str) -> None:
    with pytest.raises(ValidationError, match="must be the name of a header"):
        SecurityHeadersConfig(headers={name: "x"})


def test_each_header_can_be_left_out_and_others_added() -> None:
    config = SecurityHeadersConfig(content_security_policy=None, headers={"Referrer-Policy": "no-referrer"})

    assert config.content_security_policy is None
    assert config.headers == {"Referrer-Policy": "no-referrer"}
