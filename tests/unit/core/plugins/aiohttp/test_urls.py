"""Where a call goes, and what is said of it."""

import pytest
from yarl import URL

from fastapi_factory_utilities.core.plugins.aiohttp.urls import BaseUrl, told


@pytest.mark.parametrize(
    ("base", "path", "address"),
    [
        ("http://a", "x", "http://a/x"),
        ("http://a/", "/x", "http://a/x"),
        ("http://a/api", "x", "http://a/api/x"),
        ("http://a/api", "/x/", "http://a/api/x/"),
        ("http://a/api/", "//evil.example/x", "http://a/api/evil.example/x"),
        ("http://a/api", "", "http://a/api/"),
        ("http://a/api", "x?y=1#z", "http://a/api/x?y=1#z"),
        ("http://a/api?key=k", "x?y=1", "http://a/api/x?y=1&key=k"),
        ("http://u:p@a:81/api", "x", "http://u:p@a:81/api/x"),
        ("http://a/api", "x/../y", "http://a/api/y"),
        ("http://a/api", "v1..v2", "http://a/api/v1..v2"),
        ("http://a/api", "https://other.example/x", "https://other.example/x"),
    ],
)
def test_a_path_is_put_behind_the_base(base: str, path: str, address: str) -> None:
    assert str(BaseUrl(base).join(path)) == address
    assert str(BaseUrl(base).join(URL(path))) == address


@pytest.mark.parametrize("path", ["..", "../admin", "x/../../admin", "/../apiary", "%2e%2e/admin", "x/%2E%2E/%2E./y"])
def test_no_path_leads_out_of_the_base(path: str) -> None:
    with pytest.raises(ValueError, match="leads out"):
        BaseUrl("http://a/api").join(path)


def test_an_address_is_told_without_credentials_and_values() -> None:
    url = URL("http://user:pass@a:81/x?token=secret&page=2#part")

    assert told(url, {"more": "secret"}) == "http://a:81/x?token=REDACTED&page=REDACTED&more=REDACTED"
    assert told(URL("http://a/x")) == "http://a/x"
