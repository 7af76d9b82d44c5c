"""A server with a raw ASGI app on a socket of its own, and a client that speaks bytes."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import shutil
import tempfile
import unittest
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from portico_runner.context_ids import SetIds
from portico_runner.exchange import App
from portico_runner.gate import Gate
from portico_runner.server import Server

PATIENCE_SECONDS = 10.0


class Response(NamedTuple):
    """A response as it was read."""

    status: int
    headers: dict[str, str]
    body: bytes
    trailers: dict[str, str]


class Client:
    """One connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def get(self, path: str = "/", headers: str = "") -> Response:
        await self.send(request("GET", path, headers))
        return await self.response()

    async def line(self) -> bytes:
        return await soon(self.reader.readline())

    async def exactly(self, size: int) -> bytes:
        return await soon(self.reader.readexactly(size))

    async def head(self) -> tuple[int, dict[str, str]]:
        status = int((await self.line()).split(b" ")[1])
        return status, await self._fields()

    async def response(self, head_only: bool = False) -> Response:
        status, headers = await self.head()
        body, trailers = b"", {}
        if head_only or status in (101, 204, 304):
            pass
        elif headers.get("transfer-encoding") == "chunked":
            while chunk := await self.chunk():
                body += chunk
            trailers = await self._fields()
        else:
            body = await self.exactly(int(headers["content-length"]))
        return Response(status, headers, body, trailers)

    async def chunk(self) -> bytes:
        size = int(await self.line(), 16)
        if not size:
            return b""
        data = await self.exactly(size)
        assert await self.line() == b"\r\n"
        return data

    async def ended(self) -> bytes:
        """What comes until the server closes the connection."""
        return await soon(self.reader.read(-1))

    def close(self) -> None:
        self.writer.transport.abort()

    async def _fields(self) -> dict[str, str]:
        fields = {}
        while (line := await self.line()) != b"\r\n":
            name, _, value = line.decode("latin-1").rstrip("\r\n").partition(":")
            fields[name.lower()] = value.strip()
        return fields


class ServerCase(unittest.IsolatedAsyncioTestCase):
    """A test with servers and clients that are closed at its end."""

    async def asyncSetUp(self) -> None:
        self.folder = tempfile.mkdtemp(prefix="runner-")
        self.gate = Gate(100)
        self._servers: list[Server] = []
        self._clients: list[Client] = []
        # What the server prints about failing apps.
        self.errors = io.StringIO()
        self._redirected = contextlib.redirect_stderr(self.errors)
        self._redirected.__enter__()

    async def asyncTearDown(self) -> None:
        for client in self._clients:
            client.close()
        await self.gate.cut()
        self._redirected.__exit__(None, None, None)
        for server in self._servers:
            server.close()
        shutil.rmtree(self.folder)

    async def serve(
        self,
        app: App,
        *,
        limit: int = 100,
        name: str = "web.sock",
        state: Mapping[str, Any] | None = None,
        set_ids: SetIds = lambda _: None,
    ) -> Server:
        self.gate.limit = limit
        server = Server(app, self.gate, {} if state is None else state, set_ids)
        await server.open(os.path.join(self.folder, name))
        self._servers.append(server)
        return server

    async def connect(self, name: str = "web.sock") -> Client:
        client = Client(*await asyncio.open_unix_connection(os.path.join(self.folder, name)))
        self._clients.append(client)
        return client


def request(method: str = "GET", path: str = "/", headers: str = "", body: bytes = b"") -> bytes:
    """A request with a host; `headers` are lines, each with its line end."""
    return f"{method} {path} HTTP/1.1\r\nhost: a.test\r\n{headers}\r\n".encode("latin-1") + body


async def soon(awaited: Any) -> Any:
    """Fails instead of waiting for ever."""
    return await asyncio.wait_for(awaited, PATIENCE_SECONDS)


async def until(holds: Callable[[], bool]) -> None:
    """Returns once a condition holds that nobody announces."""

    async def poll() -> None:
        while not holds():
            await asyncio.sleep(0.001)

    await soon(poll())


async def answer(
    send: Any, body: bytes = b"", status: int = 200, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    """A whole response."""
    await send({"type": "http.response.start", "status": status, "headers": headers or []})
    await send({"type": "http.response.body", "body": body})


async def read_all(receive: Any) -> bytes:
    """A whole request body."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError("the caller has left")
        body += message["body"]
        if not message["more_body"]:
            return body
