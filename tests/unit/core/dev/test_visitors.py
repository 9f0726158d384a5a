"""Who may look at the page."""

import pytest

from fastapi_factory_utilities.core.dev.visitors import Visitors


def refused(
    host: str = "localhost:8000", client: str = "127.0.0.1", *hosts: str, is_page: bool = True, **headers: str
) -> str | None:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"headers": [(b"host", host.encode()), *pairs], "client": (client, 50000)}
    return Visitors(hosts).refusal(scope, is_page=is_page)


@pytest.mark.parametrize(
    ("host", "client"),
    [
        ("localhost", "127.0.0.1"),
        ("LOCALHOST.:8000", "127.8.8.8"),
        ("shop.localhost:8000", "::1"),
        ("127.0.0.1:8000", "::ffff:127.0.0.1"),
        ("[::1]:8000", "::1"),
    ],
)
def test_browsers_on_this_machine_may_look(host: str, client: str) -> None:
    assert refused(host, client) is None


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8000", "192.168.1.5"]
)
def test_a_website_whose_name_leads_to_this_machine_may_not(host: str) -> None:
    assert "development.page_hosts" in (refused(host) or "")


@pytest.mark.parametrize("client", ["192.168.1.7", "172.17.0.1", "fe80::1", "", "testclient", "::ffff:10.0.0.1"])
def test_others_on_the_network_may_not_whatever_host_they_claim(client: str) -> None:
    assert "development.page_hosts" in (refused("localhost", client) or "")


@pytest.mark.parametrize("header", ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"])
def test_what_comes_through_a_proxy_may_not_although_the_proxy_is_on_this_machine(header: str) -> None:
    scope = {"headers": [(b"host", b"localhost"), (header.encode(), b"127.0.0.1")], "client": ("127.0.0.1", 1)}
    assert "proxy" in (Visitors().refusal(scope, is_page=True) or "")


@pytest.mark.parametrize("host", ["", "a b", "localhost:x", "[::1", "localhost, localhost", "localhost/../x"])
def test_a_host_header_that_is_none_is_refused(host: str) -> None:
    assert refused(host) is not None


def test_two_host_headers_are_refused() -> None:
    scope = {"headers": [(b"host", b"localhost"), (b"host", b"localhost")], "client": ("127.0.0.1", 1)}
    assert Visitors().refusal(scope, is_page=True) is not None


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_scripts_of_other_sites_may_not_but_their_links_may_lead_to_the_page(site: str) -> None:
    assert refused(sec_fetch_site=site, sec_fetch_mode="no-cors", is_page=False) is not None
    assert refused("localhost", "127.0.0.1", "*", sec_fetch_site=site, is_page=False) is not None
    assert refused(sec_fetch_site=site, sec_fetch_mode="no-cors") is not None
    assert refused(sec_fetch_site=site, sec_fetch_mode="navigate") is None
    assert refused(sec_fetch_site=site, sec_fetch_mode="navigate", is_page=False) is not None
    assert refused(sec_fetch_site="same-origin", is_page=False) is None


def test_configured_names_addresses_and_networks_may_look() -> None:
    given = ("Devbox.internal", "172.16.0.0/12", "fd00::7")
    assert refused("devbox.internal:8000", "172.17.0.1", *given) is None
    assert refused("localhost", "fd00::7", *given) is None
    assert refused("localhost", "172.32.0.1", *given) is not None
    assert refused("other.internal", "172.17.0.1", *given) is not None
    assert refused("evil.example", "203.0.113.9", "*", via="1.1 proxy") is None


def test_who_is_refused_learns_what_to_add_to_the_configuration() -> None:
    assert "'172.17.0.1'" in (refused("localhost", "172.17.0.1") or "")
    assert "'devbox.internal'" in (refused("devbox.internal") or "")
