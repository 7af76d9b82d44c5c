"""WebSocket frames: reading masked ones, writing plain ones (RFC 6455 section 5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
KNOWN = frozenset((CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG))


class ProtocolError(Exception):
    """The peer broke the protocol; `code` goes into the close frame."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(slots=True)
class Frame:
    opcode: int
    final: bool
    payload: bytes


class FrameReader:
    """Turns bytes into frames; holds at most one incomplete frame."""

    def __init__(self, max_payload: int) -> None:
        self._buffer = bytearray()
        self._max_payload = max_payload

    def feed(self, data: bytes) -> Iterator[Frame]:
        self._buffer += data
        while (frame := self._next()) is not None:
            yield frame

    def _next(self) -> Frame | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        opcode, final = buffer[0] & 0x0F, bool(buffer[0] & 0x80)
        length, start = buffer[1] & 0x7F, 2
        self._check(buffer, opcode, final, length)
        if length >= 126:
            wide = 2 if length == 126 else 8
            if len(buffer) < 2 + wide:
                return None
            length, start = int.from_bytes(buffer[2 : 2 + wide], "big"), 2 + wide
        if length > self._max_payload:
            raise ProtocolError(1009, "message larger than 2 MiB")
        end = start + 4 + length
        if len(buffer) < end:
            return None
        payload = unmask(bytes(buffer[start + 4 : end]), bytes(buffer[start : start + 4]))
        del buffer[:end]
        return Frame(opcode, final, payload)

    @staticmethod
    def _check(buffer: bytearray, opcode: int, final: bool, length: int) -> None:
        if buffer[0] & 0x70:
            raise ProtocolError(1002, "reserved bits are set")
        if opcode not in KNOWN:
            raise ProtocolError(1002, "unknown opcode")
        if not buffer[1] & 0x80:
            raise ProtocolError(1002, "a client's frame must be masked")
        if opcode >= CLOSE and (not final or length > 125):
            raise ProtocolError(1002, "a control frame may be neither long nor fragmented")


def unmask(payload: bytes, key: bytes) -> bytes:
    """XOR with the repeated key, as one big number: much faster than byte by byte."""
    size = len(payload)
    if size == 0:
        return b""
    stream = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(stream, "big")).to_bytes(size, "big")


def encode_frame(opcode: int, payload: bytes) -> bytes:
    """One whole message or control frame, unmasked as a server sends it."""
    size = len(payload)
    if size < 126:
        return bytes((0x80 | opcode, size)) + payload
    if size < 65536:
        return bytes((0x80 | opcode, 126)) + size.to_bytes(2, "big") + payload
    return bytes((0x80 | opcode, 127)) + size.to_bytes(8, "big") + payload
