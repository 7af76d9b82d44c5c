"""WebSocket messages out of frames: fragments, UTF-8, limits, close codes (RFC 6455 sections 5.4 to 8)."""

from __future__ import annotations

import codecs
from typing import NamedTuple

from .frames import BINARY, CLOSE, CONTINUATION, TEXT, Frame, FrameReader, ProtocolError

MAX_MESSAGE_BYTES = 2 * 1024 * 1024
"""The hosted platform's limit for one message, in both directions."""

NO_CODE = 1005
_CODES = frozenset((1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014))


class Close(NamedTuple):
    """The peer ends the connection; NO_CODE if it does not say why."""

    code: int
    reason: str


class Control(NamedTuple):
    """A ping or a pong."""

    opcode: int
    payload: bytes


class MessageReader:
    """Turns bytes into messages: `str` for text, `bytes` for binary, or control messages."""

    __slots__ = ("_decoder", "_frames", "_opcode", "_parts", "_size")

    def __init__(self) -> None:
        self._frames = FrameReader(MAX_MESSAGE_BYTES)
        self._opcode = CONTINUATION
        self._parts: list[str | bytes] = []
        self._size = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def feed(self, data: bytes) -> None:
        """More bytes have come."""
        self._frames.feed(data)

    def next(self) -> str | bytes | Close | Control | None:
        """The next whole message."""
        while True:
            frame = self._frames.next()
            if frame is None:
                return None
            if frame.opcode == CLOSE:
                return _close(frame.payload)
            if frame.opcode > CLOSE:
                return Control(frame.opcode, frame.payload)
            self._add(frame)
            if frame.final:
                return self._whole()

    def _add(self, frame: Frame) -> None:
        if (frame.opcode == CONTINUATION) != (self._opcode != CONTINUATION):
            raise ProtocolError(1002, "fragment out of order")
        if frame.opcode != CONTINUATION:
            self._opcode = frame.opcode
        self._size += len(frame.payload)
        if self._size > MAX_MESSAGE_BYTES:
            raise ProtocolError(1009, "message is too big")
        if self._opcode == BINARY:
            self._parts.append(frame.payload)
            return
        try:
            self._parts.append(self._decoder.decode(frame.payload, frame.final))
        except UnicodeDecodeError:
            raise ProtocolError(1007, "text is not UTF-8") from None

    def _whole(self) -> str | bytes:
        parts, self._parts, self._size = self._parts, [], 0
        opcode, self._opcode = self._opcode, CONTINUATION
        if len(parts) == 1:
            return parts[0]
        return "".join(parts) if opcode == TEXT else b"".join(parts)  # type: ignore[arg-type]


def _close(payload: bytes) -> Close:
    if not payload:
        return Close(NO_CODE, "")
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or not is_close_code(code):
        raise ProtocolError(1002, "malformed close frame")
    try:
        return Close(code, payload[2:].decode())
    except UnicodeDecodeError:
        raise ProtocolError(1007, "close reason is not UTF-8") from None


def is_close_code(code: int) -> bool:
    """Whether a close frame may carry this code."""
    return code in _CODES or 3000 <= code <= 4999
