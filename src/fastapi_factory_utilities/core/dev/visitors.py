"""Who may look: browsers on this machine, and whomever the configuration names.

A development server often listens on every interface, and knows more than it tells its users. Three things have to be
true of a request, since each of them alone can be had by somebody else:

- its client's address is a loopback address: others on the network write any `Host` they like;
- its `Host` is a name of this machine: a website whose name leads here (DNS rebinding) comes from the developer's own
  browser, and so from a loopback address, but with the website's name;
- it came through no proxy, which would have made the client's address its own, or what somebody told it.

And it is no other site's script that asks (Fetch Metadata, https://www.w3.org/TR/fetch-metadata/).
"""

import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final

__all__ = ["Visitors"]

_PROXY_HEADERS: Final = frozenset({b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip"})
_OWN_SITES: Final = frozenset({b"same-origin", b"none"})  # "none": typed, or a bookmark
_HOST: Final = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]{1,253}))(?::\d{1,5})?")
_KEY: Final = "development.page_hosts"


class Visitors:
    """Decides on requests.

    Args:
        hosts: What is allowed beside this machine: names of the `Host` header, addresses and networks of clients; `*`
            allows everything.
    """

    def __init__(self, hosts: Iterable[str] = ()) -> None:
        given = [host.strip().lower() for host in hosts]
        self._everybody = "*" in given
        self._names = frozenset(given)
        self._networks = [network for host in given if (network := _network(host)) is not None]

    def refusal(self, scope: Mapping[str, Any], *, is_page: bool) -> str | None:
        """Say why a request is refused, and what to do about it; `None` if it is not.

        Args:
            scope: Its ASGI scope.
            is_page: Whether it is the page itself that is asked for, to which links of other sites may lead.
        """
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        site = _only(headers, b"sec-fetch-site")
        is_link = is_page and _only(headers, b"sec-fetch-mode") == b"navigate"
        if site is not None and site not in _OWN_SITES and not is_link:
            return "Another site asked for this: open the page itself in the browser."
        if self._everybody:
            return None
        if any(name in _PROXY_HEADERS for name, _ in headers):
            return (
                "This came through a proxy, behind which anybody may be: ask the service itself, or, where everybody "
                f"may see the page, set {_KEY} to ['*']."
            )
        client = scope.get("client")
        return self._refusal_of_client(str(client[0]) if client else "") or self._refusal_of_host(_host(headers))

    def _refusal_of_client(self, address: str) -> str | None:
        if self._knows(address):
            return None
        known = f"'{address}' or its network" if _address(address) is not None else "'*'"
        return f"The page is for browsers on this machine: to allow this client, add {known} to {_KEY}."

    def _refusal_of_host(self, host: str | None) -> str | None:
        if host is None:
            return "The request has no valid Host header, or several."
        if self._knows(host):
            return None
        return f"The page is for this machine's own names: to allow this one, add '{host}' to {_KEY}."

    def _knows(self, host: str) -> bool:
        if host == "localhost" or host.endswith(".localhost") or host in self._names:  # RFC 6761, 6.3
            return True
        address = _address(host)
        return address is not None and (address.is_loopback or any(address in network for network in self._networks))


def _only(headers: list[tuple[bytes, bytes]], wanted: bytes) -> bytes | None:
    """The value of a header; of several ones, one that is never right."""
    values = [value for name, value in headers if name == wanted]
    return b",".join(values).strip() if values else None


def _host(headers: list[tuple[bytes, bytes]]) -> str | None:
    value = _only(headers, b"host")
    match = _HOST.fullmatch((value or b"").decode("latin-1").lower())
    return None if match is None else (match[1] or match[2].removesuffix("."))


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None
