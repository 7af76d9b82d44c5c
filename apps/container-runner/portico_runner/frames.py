"""WebSocket frames: reading masked ones, writing plain ones (RFC 6455 section 5)."""

from __future__ import annotations

from typing import NamedTuple

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

_OPCODES = frozenset((CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG))


class ProtocolError(Exception):
    """The peer broke the protocol; `code` goes into the close frame."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class Frame(NamedTuple):
    """One frame as it came, unmasked."""

    opcode: int
    final: bool
    payload: bytes


class FrameReader:
    """Turns bytes into frames; holds one incomplete frame at most."""

    __slots__ = ("_buffer", "_max_payload")

    def __init__(self, max_payload: int) -> None:
        self._buffer = bytearray()
        self._max_payload = max_payload

    def feed(self, data: bytes) -> None:
        """More bytes have come."""
        self._buffer += data

    def next(self) -> Frame | None:
        """The next whole frame."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        opcode, final = buffer[0] & 0x0F, bool(buffer[0] & 0x80)
        _check(buffer[0], buffer[1], opcode, final)
        length, start = buffer[1] & 0x7F, 2
        if length >= 126:
            start = 4 if length == 126 else 10
            if len(buffer) < start:
                return None
            length = int.from_bytes(buffer[2:start], "big")
        if length > self._max_payload:
            raise ProtocolError(1009, "message is too big")
        end = start + 4 + length
        if len(buffer) < end:
            return None
        payload = unmask(bytes(buffer[start + 4 : end]), bytes(buffer[start : start + 4]))
        del buffer[:end]
        return Frame(opcode, final, payload)


def _check(first: int, second: int, opcode: int, final: bool) -> None:
    if first & 0x70:
        raise ProtocolError(1002, "reserved bits are set")
    if opcode not in _OPCODES:
        raise ProtocolError(1002, "unknown opcode")
    if not second & 0x80:
        raise ProtocolError(1002, "frame is not masked")
    if opcode >= CLOSE and (not final or second & 0x7F > 125):
        raise ProtocolError(1002, "control frame is fragmented or too long")


def unmask(payload: bytes, key: bytes) -> bytes:
    """XOR with the repeated key, as two big numbers: far faster than byte by byte."""
    size = len(payload)
    stream = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(stream, "big")).to_bytes(size, "big")


def encode_frame(opcode: int, payload: bytes) -> list[bytes]:
    """A whole message or control frame, unmasked as a server sends it: the parts to write."""
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | opcode, size))
    elif size < 65536:
        head = bytes((0x80 | opcode, 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, 127)) + size.to_bytes(8, "big")
    return [head, payload]


def encode_close(code: int, reason: str) -> list[bytes]:
    """A close frame; a reason that is too long is cut between characters."""
    text = reason.encode("utf-8", "replace")[:123].decode("utf-8", "ignore")
    return encode_frame(CLOSE, code.to_bytes(2, "big") + text.encode())
