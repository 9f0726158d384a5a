"""Who asks, as far as the network knows."""

from ipaddress import IPv6Address, ip_address

from starlette.requests import HTTPConnection

__all__ = ["client_address"]

_NETWORK_BITS = 64


async def client_address(connection: HTTPConnection) -> str:
    """Return the client's address; of an IPv6 address its first 64 bits, all of which one customer has (RFC 6177, 2).

    Behind a proxy it is what `X-Forwarded-For` says, if the proxy is one of `server.forwarded_allow_ips`; otherwise it
    is the proxy's, for everybody. Clients on a Unix socket have none, and are one.
    """
    text = connection.client.host if connection.client else ""
    try:
        address = ip_address(text)
    except ValueError:
        return text
    if not isinstance(address, IPv6Address):
        return text
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return f"{IPv6Address(int(address) >> _NETWORK_BITS << _NETWORK_BITS)}/{_NETWORK_BITS}"
