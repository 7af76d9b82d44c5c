"""Where a request body ends: content-length and chunked transfer coding (RFC 9112 sections 6 and 7)."""

from __future__ import annotations

from .head import BadRequest

MAX_CHUNK_LINE_BYTES = 4096
MAX_TRAILER_BYTES = 32 * 1024
MAX_SIZE_DIGITS = 15

_HEX = b"0123456789abcdefABCDEF"


class LengthFraming:
    """A body of a length known beforehand."""

    __slots__ = ("_left", "done")

    def __init__(self, length: int) -> None:
        self._left = length
        self.done = length == 0

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """Splits data into what belongs to the body and what follows it."""
        left = self._left
        if len(data) < left:
            self._left = left - len(data)
            return data, b""
        self._left = 0
        self.done = True
        return data[:left], data[left:]


class ChunkedFraming:
    """A body in chunks. Trailer fields are checked for their size and dropped."""

    __slots__ = ("_left", "_line", "_state", "_trailer_bytes", "done")

    def __init__(self) -> None:
        self._state = "size"
        self._left = 0
        self._line = b""
        self._trailer_bytes = 0
        self.done = False

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """Takes the coding off; returns the bytes of the body and what follows the body."""
        out: list[bytes] = []
        at = 0
        while at < len(data) and not self.done:
            if self._state == "data":
                piece = data[at : at + self._left]
                out.append(piece)
                self._left -= len(piece)
                at += len(piece)
                if not self._left:
                    self._state = "end"
            else:
                at = self._control(data, at)
        return (out[0] if len(out) == 1 else b"".join(out)), data[at:]

    def _control(self, data: bytes, at: int) -> int:
        end = data.find(b"\n", at)
        stop = len(data) if end < 0 else end + 1
        self._line += data[at:stop]
        if len(self._line) > MAX_CHUNK_LINE_BYTES:
            raise BadRequest("line between chunks is too long")
        if end >= 0:
            line, self._line = self._line, b""
            if not line.endswith(b"\r\n") or b"\r" in line[:-2]:
                raise BadRequest("line between chunks does not end with CR LF")
            self._line_ended(line[:-2])
        return stop

    def _line_ended(self, line: bytes) -> None:
        if self._state == "size":
            self._left = _chunk_size(line)
            self._state = "data" if self._left else "trailer"
        elif self._state == "end":
            if line:
                raise BadRequest("chunk is longer than its size")
            self._state = "size"
        elif line:
            self._trailer_bytes += len(line)
            if self._trailer_bytes > MAX_TRAILER_BYTES:
                raise BadRequest("trailer section is too long")
        else:
            self.done = True


def _chunk_size(line: bytes) -> int:
    digits = line.partition(b";")[0].rstrip(b" \t")
    if not digits or len(digits) > MAX_SIZE_DIGITS or digits.translate(None, _HEX):
        raise BadRequest("malformed chunk size")
    return int(digits, 16)


def framing_of(content_length: int | None, chunked: bool) -> LengthFraming | ChunkedFraming:
    """The framing that a request head announces."""
    return ChunkedFraming() if chunked else LengthFraming(content_length or 0)
