"""One connection of the router: requests one after the other, or one WebSocket."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from .answer import plain_answer
from .body import Body
from .exchange import Exchange
from .framing import framing_of
from .handshake import Handshake, wants_websocket
from .head import MAX_HEAD_BYTES, BadRequest, Head, parse_head
from .outbox import Outbox
from .websocket import WebSocket

if TYPE_CHECKING:
    from .framing import ChunkedFraming, LengthFraming
    from .gate import Pass
    from .server import Server

MAX_DISCARDED_BYTES = 1024 * 1024
DISCARD_SECONDS = 1.0
"""How much is still read, and for how long, of a request whose response is complete. Closing at once would make the
peer's writing fail, and it might lose the response over that."""

BUSY_HEADER = b"portico-busy: 1\r\n"
BUSY_TEXT = "modal-http: container is busy"

# Reasons not to read from the connection.
BODY_FULL, BUFFER_FULL, AT_THE_GATE, SOCKET_FULL = 1, 2, 4, 8


class Connection(asyncio.Protocol):
    """Reads heads and bodies, starts exchanges, writes what they send.

    A request is over when its body has come (`_framing` is None) and its response is complete (`_exchange` is None);
    then the next one begins.
    """

    outbox: Outbox

    def __init__(self, server: Server) -> None:
        self._server = server
        self._transport: Any = None
        self._buffer = b""
        self._scanned = 0
        self._framing: LengthFraming | ChunkedFraming | None = None
        self._exchange: Exchange | None = None
        self._socket: WebSocket | None = None
        self._waiting: Pass | None = None
        self._discarded = 0
        self._held = 0
        self._close_after = False
        self._closing = False

    @property
    def draining(self) -> bool:
        """The container takes no more work, so the connection ends with the response."""
        return self._server.gate.draining

    # What the transport says

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self.outbox = Outbox(transport)
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = True
        self._server.connections.discard(self)
        self.outbox.drop()
        if self._waiting is not None:
            self._waiting.give_up()
        if self._exchange is not None:
            self._exchange.disconnected()
        if self._socket is not None:
            self._socket.connection_lost()

    def pause_writing(self) -> None:
        self.outbox.block()

    def resume_writing(self) -> None:
        self.outbox.unblock()
        if self._socket is not None:
            self._socket.may_write()

    def data_received(self, data: bytes) -> None:
        if self._socket is not None:
            self._socket.feed(data)
        elif not self._closing:
            self._read(data)

    # Requests

    def _read(self, data: bytes) -> None:
        try:
            if self._framing is not None:
                self._buffer += self._read_body(self._framing, data)
                if self._exchange is None and self._framing is None:
                    self._turn()
                    return
            else:
                self._buffer += data
            self._next()
        except BadRequest as error:
            self._refuse(error)

    def _next(self) -> None:
        """Begins the request at the start of the buffer, if it is its turn and its head is there."""
        if self._exchange is not None or self._framing is not None or self._waiting is not None:
            self.hold(BUFFER_FULL, len(self._buffer) > MAX_HEAD_BYTES)
            return
        self.hold(BUFFER_FULL, False)
        end = self._buffer.find(b"\r\n\r\n", self._scanned)
        if end > MAX_HEAD_BYTES or (end < 0 and len(self._buffer) > MAX_HEAD_BYTES):
            raise BadRequest("request head is too large", 431)
        if end < 0:
            self._scanned = max(0, len(self._buffer) - 3)
            return
        head = parse_head(self._buffer[:end])
        self._buffer, self._scanned = self._buffer[end + 4 :], 0
        handshake = Handshake(head) if wants_websocket(head) else None
        asked = self._server.gate.ask()
        if asked.admitted is None:
            self._waiting = asked
            self.hold(AT_THE_GATE, True)
            asked.when_decided(lambda: self._called(head, handshake, asked))
        else:
            self._begin(head, handshake, asked)

    def _called(self, head: Head, handshake: Handshake | None, asked: Pass) -> None:
        """The gate has decided about a request that waited."""
        self._waiting = None
        self.hold(AT_THE_GATE, False)
        try:
            self._begin(head, handshake, asked)
        except BadRequest as error:
            self._refuse(error)

    def _begin(self, head: Head, handshake: Handshake | None, asked: Pass) -> None:
        if not asked.admitted:
            self._close_after = self.draining or not head.keep_alive or head.expects_continue or handshake is not None
            extra = {"close": self._close_after, "head_only": head.method == "HEAD", "extra": BUSY_HEADER}
            self.outbox.write([plain_answer(503, BUSY_TEXT, **extra)])
        elif handshake is not None:
            early, self._buffer = self._buffer, b""
            self._socket = WebSocket(handshake, self)
            asked.run(self._server.serve_websocket(self._socket))
            self._socket.feed(early)
            return
        else:
            body = Body(lambda full: self.hold(BODY_FULL, full))
            self._exchange = Exchange(head, body, self, asked.has_answered)
            asked.run(self._server.serve(self._exchange))
        self._framing = framing_of(head.content_length, head.chunked)
        early, self._buffer = self._buffer, b""
        self._buffer = self._read_body(self._framing, early)
        if self._exchange is None:
            self._turn()

    def _read_body(self, framing: LengthFraming | ChunkedFraming, data: bytes) -> bytes:
        """Feeds the body of the request; returns what follows it."""
        exchange = self._exchange
        if data:
            content, data = framing.feed(data)
            if exchange is not None:
                exchange.body.push(content)
            else:
                self._discarded += len(content)
                self.hold(BODY_FULL, self._discarded > MAX_DISCARDED_BYTES)
        if framing.done:
            self._framing = None
            if exchange is not None:
                exchange.body.finish()
        return data

    def answered(self, exchange: Exchange, close: bool) -> None:
        """The response is complete. Its app may still run, the rest of its request may still come."""
        if exchange is self._exchange:
            self._exchange = None
            self._close_after = close
            self.hold(BODY_FULL, False)
            self._turn()

    def _turn(self) -> None:
        """Goes on after a response: with the rest of its request, the end of the connection or the next request."""
        if self._framing is not None:
            self._discarded = 0
            asyncio.get_running_loop().call_later(DISCARD_SECONDS, self._stop_discarding, self._framing)
        elif self._close_after:
            self.close()
        elif self._buffer:
            asyncio.get_running_loop().call_soon(self._read_on)

    def _read_on(self) -> None:
        if not self._closing:
            try:
                self._next()
            except BadRequest as error:
                self._refuse(error)

    def _stop_discarding(self, framing: LengthFraming | ChunkedFraming) -> None:
        if self._framing is framing:
            self.close()

    def _refuse(self, error: BadRequest) -> None:
        self._framing = None
        if self._exchange is not None:
            self._exchange.refuse(error.status, str(error))
        else:
            self.outbox.write([plain_answer(error.status, f"modal-http: {error}", close=True, extra=error.extra)])
        self.close()

    # What exchanges and sockets ask for

    def hold(self, reason: int, on: bool) -> None:
        """Stops reading while any reason stands."""
        before = self._held
        self._held = before | reason if on else before & ~reason
        if bool(before) != bool(self._held) and not self._closing:
            if self._held:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    def hold_messages(self, full: bool) -> None:
        """Back-pressure of a WebSocket whose app reads slowly."""
        self.hold(SOCKET_FULL, full)

    def close(self) -> None:
        """Ends the connection once what has been written is sent."""
        if not self._closing:
            self._closing = True
            self.outbox.finish()
            self._transport.close()

    def abort(self) -> None:
        """Cuts the connection: the peer must not take what it got for a whole response."""
        self._closing = True
        self._transport.abort()

    def close_if_idle(self) -> None:
        """Ends a connection on which nothing runs."""
        if self._exchange is None and self._socket is None and self._waiting is None and self._framing is None:
            self.close()
