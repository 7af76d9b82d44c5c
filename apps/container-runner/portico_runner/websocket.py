"""The server's side of a WebSocket (RFC 6455), as an ASGI application sees it."""

from __future__ import annotations

import asyncio
import base64
import codecs
import hashlib
import sys
import traceback
from typing import Any

from .frames import CONTINUATION, CLOSE, BINARY, PING, PONG, TEXT, Frame, FrameReader, ProtocolError, encode_frame
from .head import BadRequest, Head

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
MAX_MESSAGE_BYTES = 2 * 1024 * 1024
"""The hosted platform's limit for one message, in both directions."""
HIGH_WATER = 4 * 1024 * 1024


class WebSocket:
    """One connection: a handshake, messages both ways, a close with its code."""

    scope_type = "websocket"

    def __init__(self, head: Head, connection: Any, rest: bytes) -> None:
        self._head = head
        self._connection = connection
        self._key = next((value for name, value in head.headers if name == b"sec-websocket-key"), b"")
        version = next((value for name, value in head.headers if name == b"sec-websocket-version"), b"")
        if not self._key or version != b"13":
            raise BadRequest("not a WebSocket handshake of version 13")
        self._reader = FrameReader(MAX_MESSAGE_BYTES)
        self._events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._events.put_nowait({"type": "websocket.connect"})
        self._held = 0
        self._accepted = False
        self._closing = False
        self._over = False
        self._opcode = 0
        self._parts: list[bytes] = []
        self._size = 0
        self._early = rest

    async def run(self, app: Any, scope: Any) -> None:
        try:
            await self._connection._server.run_in_context(lambda a, s: a(s, self._receive, self._send), self._head, scope)
            if not self._closing:
                self._close(1000 if self._accepted else 1006, b"")
        except Exception as error:  # noqa: BLE001 - the app's error ends the connection
            traceback.print_exception(type(error), error, error.__traceback__, file=sys.stderr)
            if not self._accepted and not self._over:
                self._deny(500, b"modal-http: internal error: the application failed")
            elif not self._closing:
                self._close(1011, b"")
        finally:
            self._connection.close()

    # what comes from the peer

    def feed(self, data: bytes) -> None:
        if not self._accepted:
            self._early += data
            return
        try:
            for frame in self._reader.feed(data):
                self._take(frame)
                if self._over:
                    return
        except ProtocolError as error:
            self._disconnected(error.code)
            self._close(error.code, str(error).encode())
            self._connection.close()

    def _take(self, frame: Frame) -> None:
        if frame.opcode == PING:
            self._connection.write(encode_frame(PONG, frame.payload))
        elif frame.opcode == CLOSE:
            self._peer_closes(frame.payload)
        elif frame.opcode in (TEXT, BINARY, CONTINUATION):
            self._take_data(frame)

    def _take_data(self, frame: Frame) -> None:
        if (frame.opcode == CONTINUATION) != bool(self._opcode):
            raise ProtocolError(1002, "a fragment out of order")
        if frame.opcode != CONTINUATION:
            self._opcode = frame.opcode
            self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._size += len(frame.payload)
        if self._size > MAX_MESSAGE_BYTES:
            raise ProtocolError(1009, "message larger than 2 MiB")
        if self._opcode == TEXT:
            try:
                self._decoder.decode(frame.payload, frame.final)
            except UnicodeDecodeError:
                raise ProtocolError(1007, "text is not UTF-8") from None
        self._parts.append(frame.payload)
        if frame.final:
            self._deliver(b"".join(self._parts))

    def _deliver(self, payload: bytes) -> None:
        event: dict[str, Any] = {"type": "websocket.receive"}
        event["text" if self._opcode == TEXT else "bytes"] = payload.decode() if self._opcode == TEXT else payload
        self._opcode, self._parts, self._size = 0, [], 0
        self._held += len(payload)
        if self._held > HIGH_WATER:
            self._connection.transport.pause_reading()
        self._events.put_nowait(event)

    def _peer_closes(self, payload: bytes) -> None:
        code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else 1005
        if len(payload) == 1 or (len(payload) >= 2 and not valid_close_code(code)):
            raise ProtocolError(1002, "malformed close frame")
        try:
            payload[2:].decode()
        except UnicodeDecodeError:
            raise ProtocolError(1007, "close reason is not UTF-8") from None
        if not self._closing:
            self._closing = True
            self._connection.write(encode_frame(CLOSE, payload[:2]))
        self._disconnected(code)
        self._connection.close()

    def connection_lost(self) -> None:
        self._disconnected(1006)

    def _disconnected(self, code: int) -> None:
        if not self._over:
            self._over = True
            self._events.put_nowait({"type": "websocket.disconnect", "code": code, "reason": ""})

    # what the app does

    async def _receive(self) -> dict[str, Any]:
        event = await self._events.get()
        size = len(event.get("bytes") or event.get("text") or "")
        if self._held > HIGH_WATER >= self._held - size and not self._over:
            self._connection.transport.resume_reading()
        self._held -= size
        return event

    async def _send(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "websocket.accept":
            self._accept(message)
        elif kind == "websocket.send":
            await self._send_message(message)
        elif kind == "websocket.close":
            if not self._accepted:
                self._deny(403, b"")
            else:
                self._close(int(message.get("code", 1000)), str(message.get("reason") or "").encode())
        else:
            raise RuntimeError(f"unexpected message {kind!r}")

    def _accept(self, message: dict[str, Any]) -> None:
        accept = base64.b64encode(hashlib.sha1(self._key + GUID).digest())
        lines = [b"HTTP/1.1 101 Switching Protocols", b"upgrade: websocket", b"connection: Upgrade", b"sec-websocket-accept: " + accept]
        if message.get("subprotocol"):
            lines.append(b"sec-websocket-protocol: " + str(message["subprotocol"]).encode("latin-1"))
        for name, value in message.get("headers", ()):
            if b"\n" in value or b"\r" in value:
                raise ValueError(f"header {name!r} holds a line break")
            lines.append(bytes(name) + b": " + bytes(value))
        self._connection.write(b"\r\n".join(lines) + b"\r\n\r\n")
        self._accepted = True
        early, self._early = self._early, b""
        self.feed(early)

    async def _send_message(self, message: dict[str, Any]) -> None:
        if self._closing or self._over:
            return
        text = message.get("text")
        payload = text.encode() if text is not None else bytes(message.get("bytes") or b"")
        if len(payload) > MAX_MESSAGE_BYTES:
            self._disconnected(1009)
            self._close(1009, b"message larger than 2 MiB")
            return
        self._connection.write(encode_frame(TEXT if text is not None else BINARY, payload))
        await self._connection.drained()

    def _close(self, code: int, reason: bytes) -> None:
        if self._closing:
            return
        self._closing = True
        payload = b"" if code in (1005, 1006) else code.to_bytes(2, "big") + reason[:123]
        self._connection.write(encode_frame(CLOSE, payload))

    def _deny(self, status: int, text: bytes) -> None:
        self._closing = self._over = True
        self._connection.write(b"HTTP/1.1 %d -\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s" % (status, len(text), text))


def valid_close_code(code: int) -> bool:
    """Whether a peer may send this code: RFC 6455 section 7.4."""
    return code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014) or 3000 <= code <= 4999
