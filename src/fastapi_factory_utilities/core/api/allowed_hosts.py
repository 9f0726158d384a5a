"""The names under which a service answers.

Whoever reaches the service may write any `Host`: a page whose name was made to lead here (DNS rebinding), or somebody
who hopes that the name ends up in a link or a cache. Such requests are no concern of ours.
"""

import re
from collections.abc import Sequence
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from fastapi_factory_utilities.core.api.problems import Problem
from fastapi_factory_utilities.core.api.refusing import refuse

__all__ = ["AllowedHosts"]

# RFC 9110, 7.2 and RFC 3986, 3.2.2: a name or an address, an IPv6 address in brackets; perhaps a port.
_HOST: Final = re.compile(rb"(\[[0-9a-f:.]+\]|[a-z0-9._-]{1,253})(?::[0-9]{1,5})?")
_INVALID: Final = Problem(400, detail="The request needs one Host header, with a name or an address in it.")
_UNKNOWN: Final = Problem(421, detail="This service does not answer under the name in the Host header.")


class AllowedHosts:
    """Answers requests for other hosts with 421 (RFC 9110, 15.5.20), and those that name none properly with 400.

    Args:
        app: The application inside.
        hosts: Names and addresses, without a port; `*.example.com` is every name below it.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self.app = app
        names = [host.lower().strip("[]").removesuffix(".").encode("ascii") for host in hosts]
        self._names = frozenset(name for name in names if not name.startswith(b"*."))
        self._endings = tuple(name[1:] for name in names if name.startswith(b"*."))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        problem = None if scope["type"] == "lifespan" else self._problem_with(scope)
        if problem is None:
            await self.app(scope, receive, send)
        else:
            await refuse(problem, scope, receive, send)

    def _problem_with(self, scope: Scope) -> Problem | None:
        values = [value for name, value in scope["headers"] if name == b"host"]
        match = _HOST.fullmatch(values[0].lower()) if len(values) == 1 else None
        if match is None:
            return _INVALID
        name = match[1].strip(b"[]").removesuffix(b".")
        return None if name in self._names or name.endswith(self._endings) else _UNKNOWN
