"""Doubles for tests of code that calls services over HTTP; no server, no connection.

The code under test gets a real `AioHttpClientResource`, whose sessions end in answers of yours instead of a network::

    resource = build_mocked_aiohttp_resource(
        get=build_mocked_aiohttp_response(json={"id": 1}),
        post=lambda request: build_mocked_aiohttp_response(201, json=request.json),
    )
    users = UserService(resource)

Or strictly, where every call must be expected and every expected call made::

    with strict_aiohttp_resource() as mail:
        mail.expect("POST", "/letters", build_mocked_aiohttp_response(202))
        await Letters(mail.resource).send("hello")

Nothing is repeated, limited or broken off here: one call is one request.
"""

from fastapi_factory_utilities.core.plugins.aiohttp.mockers.resources import (
    Answer,
    MockedAioHttpClientResource,
    MockedRequest,
    build_mocked_aiohttp_resource,
)
from fastapi_factory_utilities.core.plugins.aiohttp.mockers.responses import (
    MockedAioHttpClientResponse,
    build_mocked_aiohttp_response,
)
from fastapi_factory_utilities.core.plugins.aiohttp.mockers.strict import StrictAioHttpResource, strict_aiohttp_resource

__all__ = [
    "Answer",
    "MockedAioHttpClientResource",
    "MockedAioHttpClientResponse",
    "MockedRequest",
    "StrictAioHttpResource",
    "build_mocked_aiohttp_resource",
    "build_mocked_aiohttp_response",
    "strict_aiohttp_resource",
]
