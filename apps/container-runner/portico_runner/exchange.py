"""One HTTP request and its answer, as an ASGI application sees them."""

from __future__ import annotations

import asyncio
import sys
import traceback
from typing import Any, Awaitable, Callable, MutableMapping

from .body import Body
from .head import Head

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Callable[[], Awaitable[dict[str, Any]]], Callable[[dict[str, Any]], Awaitable[None]]], Awaitable[None]]

REASONS = {200: b"OK", 201: b"Created", 204: b"No Content", 304: b"Not Modified", 404: b"Not Found", 500: b"Internal Server Error"}
WITHOUT_BODY = frozenset({204, 304})


class Exchange:
    """Runs the app for one request and writes its answer with the right framing."""

    def __init__(self, head: Head, body: Body, connection: Any, close_after: bool) -> None:
        self.head = head
        self.body = body
        self.keep_alive = head.keep_alive and not close_after
        self._connection = connection
        self._started = False
        self._ended = False
        self._request_ended = False
        self._chunked = False
        self._has_body = True
        self._trailers = False
        self._left: int | None = None

    async def run(self, app: App, scope: Scope) -> None:
        try:
            await app(scope, self.receive, self.send)
        except asyncio.CancelledError:
            self.keep_alive = False
            raise
        except BaseException as error:  # noqa: BLE001 - the app's error becomes the answer
            self._failed(error)
        else:
            if not self._ended:
                self._failed(RuntimeError("the application returned without completing its response"))

    async def receive(self) -> dict[str, Any]:
        if self._ended or self._request_ended:
            await self._until_over()
            return {"type": "http.disconnect"}
        if self.head.expects_continue and not self._started:
            self.head.expects_continue = False
            self._connection.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        chunk = await self.body.next()
        if chunk is None:
            return {"type": "http.disconnect"}
        data, more = chunk
        self._request_ended = not more
        return {"type": "http.request", "body": data, "more_body": more}

    async def _until_over(self) -> None:
        if not self._ended:
            await self.body.until_disconnected()

    async def send(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "http.response.start":
            self._start(message)
        elif kind == "http.response.body":
            await self._send_body(bytes(message.get("body", b"")), bool(message.get("more_body", False)))
        elif kind == "http.response.trailers" and self._trailers:
            self._send_trailers(message)
        else:
            raise RuntimeError(f"unexpected message {kind!r}")

    def _start(self, message: dict[str, Any]) -> None:
        if self._started:
            raise RuntimeError("the response has been started already")
        status = int(message["status"])
        self._trailers = bool(message.get("trailers", False))
        self._has_body = self.head.method != "HEAD" and status not in WITHOUT_BODY
        headers = [(bytes(name).lower(), bytes(value)) for name, value in message.get("headers", ())]
        lines = [b"HTTP/1.1 %d %s" % (status, REASONS.get(status, b"-"))]
        length: bytes | None = None
        for name, value in headers:
            if b"\r" in value or b"\n" in value or b"\r" in name or b"\n" in name or b":" in name:
                raise ValueError(f"header {name!r} holds a line break")
            if name == b"content-length":
                length = value
            elif name in (b"transfer-encoding", b"connection", b"keep-alive"):
                continue
            lines.append(name + b": " + value)
        if self._has_body and length is None:
            self._chunked = True
            lines.append(b"transfer-encoding: chunked")
        elif self._has_body and length is not None:
            self._left = int(length)
        if not self.keep_alive:
            lines.append(b"connection: close")
        self._started = True
        self._pending_head = b"\r\n".join(lines) + b"\r\n\r\n"

    async def _send_body(self, data: bytes, more: bool) -> None:
        if not self._started:
            raise RuntimeError("the response body came before its start")
        if self._ended:
            return
        out = self._pending_head + self._framed(data, more)
        self._pending_head = b""
        if not more and not (self._trailers and self._chunked):
            self._end()
        self._connection.write(out)
        await self._connection.drained()

    def _framed(self, data: bytes, more: bool) -> bytes:
        if not self._has_body:
            return b""
        if not self._chunked:
            if self._left is not None:
                if len(data) > self._left or (not more and len(data) < self._left):
                    self.keep_alive = False
                self._left -= len(data)
            return data
        out = b"%x\r\n%s\r\n" % (len(data), data) if data else b""
        if more:
            return out
        return out + (b"0\r\n" if self._trailers else b"0\r\n\r\n")

    def _send_trailers(self, message: dict[str, Any]) -> None:
        lines = [bytes(name) + b": " + bytes(value) + b"\r\n" for name, value in message.get("headers", ())]
        if message.get("more_trailers", False):
            self._connection.write(b"".join(lines))
            return
        self._connection.write(b"".join(lines) + b"\r\n" if self._chunked else b"")
        self._end()

    def _end(self) -> None:
        self._ended = True
        if not self.body.complete:
            # The rest of an unread body would be taken for the next request.
            self.keep_alive = False

    def _failed(self, error: BaseException) -> None:
        if self.body.disconnected:
            self.keep_alive = False
            return
        traceback.print_exception(type(error), error, error.__traceback__, file=sys.stderr)
        if self._started and not self._pending_head:
            self.keep_alive = False
            self._connection.abort()
            return
        self.keep_alive = False
        text = f"modal-http: internal error: status Failure: ExecutionError({error!r})".encode()
        self._connection.write(plain_answer(500, text, head_only=self.head.method == "HEAD"))
        self._ended = True


def plain_answer(status: int, text: bytes, extra: bytes = b"", head_only: bool = False) -> bytes:
    """A whole text/plain answer that ends the connection."""
    return (
        b"HTTP/1.1 %d %s\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\nconnection: close\r\n%s\r\n"
        % (status, REASONS.get(status, b"-"), len(text), extra)
    ) + (b"" if head_only else text)
