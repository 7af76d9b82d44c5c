"""A response as bytes: status line, headers, and the framing of its body (RFC 9112)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from .fields import lower_name

_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}".encode() for status in HTTPStatus}
_WITHOUT_BODY = frozenset((204, 304))
# Framing and the life of the connection are ours to say.
_OURS = frozenset((b"transfer-encoding", b"connection", b"keep-alive"))
_LAST_CHUNK = b"0\r\n\r\n"


class Answer:
    """Turns the messages of one response into bytes.

    The head is held until the first part of the body, so that a response that is sent in one go is written at once
    and with its length; `flush` sends it before that.
    """

    __slots__ = ("_chunked", "_head", "_head_only", "_left", "_trailers", "_trailing", "close", "ended", "on_wire")

    def __init__(self, head_only: bool) -> None:
        self._head_only = head_only
        self._head: list[bytes] | None = None
        self._left: int | None = None
        self._chunked = False
        self._trailers = False
        self._trailing = False
        self.on_wire = False
        self.ended = False
        self.close = False

    def start(self, message: Mapping[str, Any], close: bool) -> None:
        """The app's http.response.start."""
        if self._head is not None or self.on_wire:
            raise RuntimeError("the response has been started already")
        status = int(message["status"])
        if not 200 <= status <= 999:
            raise ValueError(f"{status} is not the status of a final response")
        self._trailers = bool(message.get("trailers", False))
        self.close = close
        lines = [_STATUS_LINES.get(status) or b"HTTP/1.1 %d " % status]
        length = self._take_headers(message.get("headers") or (), lines, allow_length=status != 204)
        _check_lines(lines)
        self._head_only = self._head_only or status in _WITHOUT_BODY
        if not self._head_only and not self._trailers:
            self._left = length
        if length is not None and not (self._trailers and not self._head_only):
            lines.append(b"content-length: %d" % length)
        self._head = lines

    def body(self, data: bytes, more: bool) -> list[bytes]:
        """The app's http.response.body: the bytes to write, in order."""
        if self._head is None and not self.on_wire:
            raise RuntimeError("the response body came before the start of the response")
        if self.ended or self._trailing:
            raise RuntimeError("the response has ended already")
        if not isinstance(data, bytes):
            data = bytes(memoryview(data))
        self._count(data, more)
        parts = [] if self.on_wire else [self._finish_head(None if more else len(data))]
        if not self._head_only:
            self._frame(data, more, parts)
        if not more:
            self._trailing = self._trailers
            self.ended = not self._trailing
        return parts

    def flush(self) -> bytes:
        """The head, if it is still held: an app that waits before its first bytes shows it at once."""
        return b"" if self.on_wire or self._head is None else self._finish_head(None)

    def trailers(self, message: Mapping[str, Any]) -> list[bytes]:
        """The app's http.response.trailers."""
        if not self._trailing or self.ended:
            raise RuntimeError("trailers were not announced, or came before the end of the body")
        lines: list[bytes] = []
        self._take_headers(message.get("headers") or (), lines, allow_length=False)
        _check_lines(lines)
        self.ended = not message.get("more_trailers", False)
        if not self._chunked:
            return []
        return [b"".join(line + b"\r\n" for line in lines) + (b"\r\n" if self.ended else b"")]

    def _take_headers(self, headers: Iterable[Any], lines: list[bytes], allow_length: bool) -> int | None:
        length: int | None = None
        for name, value in headers:
            lower = lower_name(bytes(name)) if isinstance(name, (bytes, bytearray, memoryview)) else None
            if lower is None:
                raise ValueError(f"{name!r} is not the name of a header")
            if lower == b"content-length":
                length = _length(value) if allow_length else None
            elif lower not in _OURS:
                lines.append(b"%b: %b" % (name, value))
            elif lower == b"connection" and bytes(value).strip().lower() == b"close":
                self.close = True
        return length

    def _count(self, data: bytes, more: bool) -> None:
        if self._left is None:
            return
        self._left -= len(data)
        if self._left < 0:
            raise RuntimeError("the response is longer than its content-length")
        if self._left and not more:
            raise RuntimeError("the response is shorter than its content-length")

    def _finish_head(self, whole_length: int | None) -> bytes:
        lines = self._head or []
        if not self._head_only and self._left is None:
            if whole_length is None or self._trailers:
                self._chunked = True
                lines.append(b"transfer-encoding: chunked")
            else:
                lines.append(b"content-length: %d" % whole_length)
        if self.close:
            lines.append(b"connection: close")
        lines.append(b"\r\n")
        self._head = None
        self.on_wire = True
        return b"\r\n".join(lines)

    def _frame(self, data: bytes, more: bool, parts: list[bytes]) -> None:
        if not self._chunked:
            if data:
                parts.append(data)
            return
        if data:
            parts += (b"%x\r\n" % len(data), data, b"\r\n")
        if not more:
            parts.append(b"0\r\n" if self._trailers else _LAST_CHUNK)


def _length(value: bytes) -> int:
    digits = bytes(value).strip()
    if not digits.isdigit():
        raise ValueError(f"{value!r} is not a content-length")
    return int(digits)


def _check_lines(lines: list[bytes]) -> None:
    """No value may break out of its line."""
    block = b"".join(lines)
    if b"\n" in block or b"\r" in block or b"\0" in block:
        raise ValueError("a header of the response holds a line break")


def plain_answer(status: int, text: str, *, close: bool, head_only: bool = False, extra: bytes = b"") -> bytes:
    """A whole text/plain response; `extra` is header lines, each with its line end."""
    body = text.encode("utf-8", "replace")
    line = _STATUS_LINES.get(status) or b"HTTP/1.1 %d " % status
    head = b"%b\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n%b%b\r\n" % (
        line,
        len(body),
        extra,
        b"connection: close\r\n" if close else b"",
    )
    return head if head_only else head + body
