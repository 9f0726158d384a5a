"""A collector on loopback, in a process of its own: takes OTLP over HTTP and counts the spans of each service.

`GET /spans` answers with the counts.
"""

import gzip
import json
from collections import Counter

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from starlette.types import Receive, Scope, Send

__all__ = ["app"]

_spans: Counter[str] = Counter()


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one request."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            break
    answer, media_type = b"", b"application/x-protobuf"
    if scope["path"] == "/v1/traces":
        content = b"".join(parts)
        _count(gzip.decompress(content) if (b"content-encoding", b"gzip") in scope["headers"] else content)
    elif scope["path"] == "/spans":
        answer, media_type = json.dumps(_spans).encode(), b"application/json"
    headers = [(b"content-type", media_type), (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


def _count(content: bytes) -> None:
    for of_resource in ExportTraceServiceRequest.FromString(content).resource_spans:
        names = [pair.value.string_value for pair in of_resource.resource.attributes if pair.key == "service.name"]
        _spans[names[0]] += sum(len(of_scope.spans) for of_scope in of_resource.scope_spans)
