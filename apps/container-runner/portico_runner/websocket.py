"""One WebSocket as an ASGI application sees it: opening or denial, messages both ways, a close with its code."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from .answer import Answer, plain_answer
from .exchange import App, Message, print_error
from .frames import BINARY, PING, PONG, TEXT, ProtocolError, encode_close, encode_frame
from .messages import MAX_MESSAGE_BYTES, NO_CODE, Close, MessageReader, is_close_code

if TYPE_CHECKING:
    from .connection import Connection
    from .handshake import Handshake
    from .head import Head

HIGH_WATER_BYTES = 256 * 1024
"""Bytes of messages held for an app that reads slowly before the peer is made to wait."""
HIGH_WATER_MESSAGES = 256
CLOSE_SECONDS = 5.0
"""How long the peer may take to answer our close."""
FAILED_SECONDS = 0.25
"""How long a peer that broke the protocol gets to read why, before the connection ends."""

CONNECTING, OPEN, DENYING, CLOSING, CLOSED = range(5)


class ClientGone(OSError):
    """The app sends although the connection has ended."""


class WebSocket:
    """The states: CONNECTING until the app accepts or denies; OPEN; CLOSING once we have sent our close; CLOSED."""

    def __init__(self, handshake: Handshake, connection: Connection) -> None:
        self._handshake = handshake
        self._connection = connection
        self._outbox = connection.outbox
        self._state = CONNECTING
        self._reader = MessageReader()
        self._early = b""
        self._denial: Answer | None = None
        self._events: asyncio.Queue[tuple[Message, int]] = asyncio.Queue()
        self._held = 0
        self._disconnect: Message | None = None
        self._owed_pong: bytes | None = None
        self._events.put_nowait(({"type": "websocket.connect"}, 0))

    @property
    def head(self) -> Head:
        """The request that asked for the WebSocket."""
        return self._handshake.head

    async def run(self, app: App, scope: dict[str, Any]) -> None:
        """Calls the app; when it returns or fails, the connection ends."""
        try:
            await app(scope, self._receive, self._send)
        except asyncio.CancelledError:
            self._finish(1012, "the container stops")
        except BaseException as error:  # noqa: BLE001 - also SystemExit: one socket must not end the container
            if not (isinstance(error, OSError) and self._disconnect is not None):
                print_error(error)
            self._finish(1011, "internal error")
        else:
            self._finish(1000, "")

    # What comes from the peer

    def feed(self, data: bytes) -> None:
        """More bytes have come."""
        if self._state in (CONNECTING, DENYING):
            self._early += data
            self._connection.hold_messages(len(self._early) > HIGH_WATER_BYTES)
        elif self._state != CLOSED:
            self._reader.feed(data)
            self._read()

    def connection_lost(self) -> None:
        """The peer has gone without a close."""
        self._state = CLOSED
        self._disconnected(1006, "")

    def may_write(self) -> None:
        """What was written has been sent: the pong that had to wait goes now."""
        payload, self._owed_pong = self._owed_pong, None
        if payload is not None and self._state == OPEN:
            self._outbox.write(encode_frame(PONG, payload))

    def _read(self) -> None:
        try:
            while self._state in (OPEN, CLOSING):
                message = self._reader.next()
                if message is None:
                    return
                if isinstance(message, Close):
                    self._peer_closes(message)
                elif isinstance(message, (str, bytes)):
                    self._deliver(message)
                elif message.opcode == PING:
                    # Only the last ping has to be answered, so a flood of them fills no buffer.
                    self._owed_pong = message.payload
                    if not self._outbox.is_full:
                        self.may_write()
        except ProtocolError as error:
            self._close(error.code, str(error), FAILED_SECONDS)
            self._state = CLOSED
            self._disconnected(error.code, str(error))

    def _deliver(self, message: str | bytes) -> None:
        if self._state != OPEN:
            return
        kind = "text" if isinstance(message, str) else "bytes"
        self._held += len(message)
        self._events.put_nowait(({"type": "websocket.receive", kind: message}, len(message)))
        self._hold_back()

    def _peer_closes(self, close: Close) -> None:
        if self._state == OPEN:
            # Echo the code, as RFC 6455 asks; a close without one is answered by one without.
            parts = encode_frame(0x8, b"") if close.code == NO_CODE else encode_close(close.code, "")
            self._outbox.write(parts)
        self._state = CLOSED
        self._disconnected(close.code, close.reason)
        self._connection.close()

    def _disconnected(self, code: int, reason: str) -> None:
        if self._disconnect is None:
            self._disconnect = {"type": "websocket.disconnect", "code": code, "reason": reason}
            self._events.put_nowait((self._disconnect, 0))

    def _hold_back(self) -> None:
        full = self._held > HIGH_WATER_BYTES or self._events.qsize() > HIGH_WATER_MESSAGES
        self._connection.hold_messages(full)

    # What the app asks for

    async def _receive(self) -> Message:
        if self._disconnect is not None and self._events.empty():
            return dict(self._disconnect)
        message, size = await self._events.get()
        self._held -= size
        if self._state == OPEN:
            self._hold_back()
        return message

    async def _send(self, message: Message) -> None:
        kind = message["type"]
        if kind == "websocket.send" and self._state == OPEN:
            await self._send_message(message)
        elif self._disconnect is not None:
            if kind == "websocket.send":
                raise ClientGone("the WebSocket has ended")
        elif kind == "websocket.accept" and self._state == CONNECTING:
            self._accept(message)
        elif kind == "websocket.close" and self._state == CONNECTING:
            self._deny(plain_answer(403, "", close=True))
        elif kind == "websocket.close" and self._state == OPEN:
            self._app_closes(message)
        elif kind == "websocket.http.response.start" and self._state == CONNECTING:
            self._denial = Answer(head_only=False)
            self._denial.start(message, close=True)
            self._state = DENYING
        elif kind == "websocket.http.response.body" and self._denial is not None:
            await self._send_denial(message)
        else:
            raise RuntimeError(f"unexpected message {kind!r} in this state of a WebSocket")

    def _accept(self, message: Message) -> None:
        self._outbox.write([self._handshake.acceptance(message.get("subprotocol"), message.get("headers") or ())])
        self._state = OPEN
        early, self._early = self._early, b""
        self._connection.hold_messages(False)
        self.feed(early)

    async def _send_message(self, message: Message) -> None:
        text = message.get("text")
        payload = bytes(message.get("bytes") or b"") if text is None else text.encode()
        if len(payload) > MAX_MESSAGE_BYTES:
            self._close(1009, "message is too big")
            self._disconnected(1009, "message is too big")
            return
        self._outbox.write(encode_frame(BINARY if text is None else TEXT, payload))
        if self._outbox.should_pause:
            await self._outbox.pause()

    def _app_closes(self, message: Message) -> None:
        code = int(message.get("code") or 1000)
        if not is_close_code(code):
            raise ValueError(f"{code} is not a code that a close frame may carry")
        reason = str(message.get("reason") or "")
        self._close(code, reason)
        self._disconnected(code, reason)

    async def _send_denial(self, message: Message) -> None:
        assert self._denial is not None
        more = bool(message.get("more_body", False))
        self._outbox.write(self._denial.body(message.get("body") or b"", more))
        if self._denial.ended:
            self._deny(b"")
        elif self._outbox.should_pause:
            await self._outbox.pause()

    # Endings

    def _deny(self, answer: bytes) -> None:
        if answer:
            self._outbox.write([answer])
        self._state = CLOSED
        self._disconnected(1006, "")
        self._connection.close()

    def _close(self, code: int, reason: str, patience_seconds: float = CLOSE_SECONDS) -> None:
        """Sends our close; the connection ends when the peer answers it, or when it takes too long."""
        if self._state == OPEN:
            self._state = CLOSING
            self._outbox.write(encode_close(code, reason))
            self._connection.hold_messages(False)
            asyncio.get_running_loop().call_later(patience_seconds, self._connection.close)

    def _finish(self, code: int, reason: str) -> None:
        """The app has returned."""
        if self._state == OPEN:
            self._close(code, reason)
            self._disconnected(code, reason)
        elif self._state == CONNECTING:
            text = "modal-http: internal error: the application did not answer the WebSocket handshake"
            self._deny(plain_answer(500, text, close=True))
        elif self._state == DENYING:
            self._connection.abort()
