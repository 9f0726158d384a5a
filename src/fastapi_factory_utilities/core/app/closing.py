"""Answers that end their connection, for the time in which a service leaves."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["closing_connections"]


def closing_connections(app: ASGIApp) -> ASGIApp:
    """Wrap an application so that every HTTP answer closes its connection (RFC 9112, section 9.6).

    A client that keeps connections alive then opens its next one elsewhere, and none is cut in the middle when the
    listener closes.
    """

    async def closing(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return

        async def send_last(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
            await send(message)

        await app(scope, receive, send_last)

    return closing
