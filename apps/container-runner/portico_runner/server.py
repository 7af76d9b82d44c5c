"""A small HTTP/1.1 server for one ASGI application on one unix socket. Its only peer is the router."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from .body import Body, Framing
from .exchange import App, Exchange, Scope, plain_answer
from .gate import Gate
from .head import MAX_HEAD_BYTES, BadRequest, Head, parse_head
from .websocket import WebSocket

BUSY = plain_answer(503, b"busy", b"portico-busy: 1\r\n")


class Connection(asyncio.Protocol):
    """One connection of the router: requests one after the other, each through the app."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._buffer = b""
        self._task: asyncio.Task[None] | None = None
        self._body: Body | None = None
        self._framing: Framing | None = None
        self._socket: WebSocket | None = None
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._closed = False

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.set_write_buffer_limits(high=256 * 1024)
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed = True
        self._server.connections.discard(self)
        self._may_write.set()
        if self._body:
            self._body.disconnect()
        if self._socket:
            self._socket.connection_lost()

    def eof_received(self) -> bool:
        return False

    def pause_writing(self) -> None:
        self._may_write.clear()

    def resume_writing(self) -> None:
        self._may_write.set()

    def data_received(self, data: bytes) -> None:
        try:
            if self._socket:
                self._socket.feed(data)
            elif self._task:
                self._during_request(data)
            else:
                self._buffer += data
                self._next_request()
        except BadRequest as error:
            self.write(plain_answer(400, str(error).encode()))
            self.close()

    def _during_request(self, data: bytes) -> None:
        if self._framing and self._body and not self._framing.done:
            content, used = self._framing.feed(data)
            if content:
                self._body.push(content)
            if self._framing.done:
                self._body.finish()
            data = data[used:]
        self._buffer += data
        if len(self._buffer) > MAX_HEAD_BYTES:
            self.transport.pause_reading()

    def _next_request(self) -> None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_HEAD_BYTES:
                raise BadRequest("request head too large")
            return
        head = parse_head(self._buffer[:end])
        rest, self._buffer = self._buffer[end + 4 :], b""
        if not self._server.gate.enter():
            self.write(BUSY)
            self.close()
            return
        self._task = asyncio.ensure_future(self._serve(head, rest))

    async def _serve(self, head: Head, rest: bytes) -> None:
        try:
            if head.upgrade == b"websocket":
                self._socket = WebSocket(head, self, rest)
                await self._socket.run(self._server.app, self._server.scope(head, self._socket.scope_type))
                return
            await self._serve_http(head, rest)
        except BadRequest as error:
            self.write(plain_answer(400, str(error).encode()))
            self.close()
        finally:
            self._server.gate.leave()
            self._task = None
        if not self._closed and self._buffer:
            self.transport.resume_reading()
            self._next_request_safely()

    async def _serve_http(self, head: Head, rest: bytes) -> None:
        self._framing = Framing(head.content_length, head.chunked)
        self._body = Body(self.transport.pause_reading, self._resume_reading)
        if self._framing.done:
            self._body.finish()
            self._buffer = rest
        elif rest:
            self._during_request(rest)
        exchange = Exchange(head, self._body, self, close_after=self._server.gate.draining)
        await self._server.run_in_context(exchange.run, head, self._server.scope(head, "http"))
        if not exchange.keep_alive or self._server.gate.draining or not self._framing.done:
            self.close()
        self._body = None

    def _next_request_safely(self) -> None:
        try:
            self._next_request()
        except BadRequest as error:
            self.write(plain_answer(400, str(error).encode()))
            self.close()

    def _resume_reading(self) -> None:
        if not self._closed:
            self.transport.resume_reading()

    def write(self, data: bytes) -> None:
        if data and not self._closed:
            self.transport.write(data)

    async def drained(self) -> None:
        """Returns when more may be written, at once if the caller has gone."""
        if not self._may_write.is_set():
            await self._may_write.wait()

    def close(self) -> None:
        if not self._closed:
            self.transport.close()

    def abort(self) -> None:
        if not self._closed:
            self.transport.abort()

    def close_if_idle(self) -> None:
        if self._task is None:
            self.close()


class Server:
    """Listens on `path` until closed; shares the gate with the other sockets of the container."""

    def __init__(self, app: App, path: str, gate: Gate, state: dict[str, Any], set_context: Any) -> None:
        self.app = app
        self.gate = gate
        self.connections: set[Connection] = set()
        self._path = path
        self._state = state
        self._set_context = set_context
        self._listener: asyncio.AbstractServer | None = None

    async def open(self) -> None:
        if os.path.exists(self._path):
            os.unlink(self._path)
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_unix_server(lambda: Connection(self), self._path, backlog=1024)
        os.chmod(self._path, 0o666)

    async def close(self) -> None:
        """Drains: what runs ends first, then idle connections close."""
        await self.gate.drain()
        if self._listener:
            self._listener.close()
        for connection in list(self.connections):
            connection.close_if_idle()

    async def run_in_context(self, run: Any, head: Head, scope: Scope) -> None:
        reset = self._set_context(head.private.get(b"portico-request-id", b"").decode("ascii", "replace"))
        try:
            await run(self.app, scope)
        finally:
            reset()

    def scope(self, head: Head, kind: str) -> Scope:
        host, _, port = head.private.get(b"portico-client-address", b"127.0.0.1:0").decode("ascii").rpartition(":")
        scheme = head.private.get(b"portico-scheme", b"http").decode("ascii")
        server = next((value for name, value in head.headers if name == b"host"), b"localhost").decode("latin-1")
        name, _, server_port = server.partition(":")
        scope: Scope = {
            "type": kind,
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": head.http_version,
            "scheme": scheme if kind == "http" else {"http": "ws", "https": "wss"}[scheme],
            "path": head.path,
            "raw_path": head.raw_path,
            "query_string": head.query_string,
            "root_path": "",
            "headers": head.headers,
            "client": (host.strip("[]"), int(port or 0)),
            "server": (name, int(server_port) if server_port.isdigit() else (443 if scheme == "https" else 80)),
            "state": dict(self._state),
        }
        if kind == "http":
            scope["method"] = head.method
            scope["extensions"] = {"http.response.trailers": {}}
        else:
            offered = b",".join(value for key, value in head.headers if key == b"sec-websocket-protocol")
            scope["subprotocols"] = [part.strip().decode("latin-1") for part in offered.split(b",") if part.strip()]
        return scope
