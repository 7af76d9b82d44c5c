"""Listens on one unix socket for one ASGI application. The only peer is the router."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from .connection import Connection
from .context_ids import SetIds
from .exchange import App, Exchange
from .gate import Gate
from .scope import http_scope, websocket_scope
from .websocket import WebSocket

BACKLOG = 2048
FLUSH_POLL_SECONDS = 0.01


class Server:
    """The HTTP server of one web function; shares the gate with the other sockets of the container."""

    def __init__(self, app: App, gate: Gate, state: Mapping[str, Any], set_ids: SetIds) -> None:
        self._app = app
        self._state = state
        self._set_ids = set_ids
        self._listener: asyncio.AbstractServer | None = None
        self._path = ""
        self.gate = gate
        self.connections: set[Connection] = set()

    async def open(self, path: str) -> None:
        """Listens on a socket that anybody who sees it may connect to; its folder is what guards it."""
        with suppress(FileNotFoundError):
            os.unlink(path)
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_unix_server(lambda: Connection(self), path, backlog=BACKLOG)
        self._path = path
        os.chmod(path, 0o666)

    async def flushed(self, seconds_left: Callable[[], float]) -> bool:
        """Waits until the peers have taken what was written; False when the time was not enough."""
        while any(connection.outbox.has_unsent for connection in self.connections):
            if not seconds_left():
                return False
            await asyncio.sleep(FLUSH_POLL_SECONDS)
        return True

    def close(self) -> None:
        """Stops listening and ends idle connections; running requests are the gate's matter."""
        if self._listener is None:
            return
        self._listener.close()
        self._listener = None
        with suppress(OSError):
            os.unlink(self._path)
        for connection in list(self.connections):
            connection.close_if_idle()

    async def serve(self, exchange: Exchange) -> None:
        """Runs the app for one request."""
        self._set_ids(_request_id(exchange.head.private))
        await exchange.run(self._app, http_scope(exchange.head, self._state))

    async def serve_websocket(self, socket: WebSocket) -> None:
        """Runs the app for one WebSocket."""
        self._set_ids(_request_id(socket.head.private))
        await socket.run(self._app, websocket_scope(socket.head, self._state))


def _request_id(private: Mapping[bytes, bytes]) -> str:
    return private.get(b"portico-request-id", b"").decode("latin-1")
