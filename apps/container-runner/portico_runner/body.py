"""Request bodies: where one ends, and back-pressure while the app has not read it."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Callable

from .head import BadRequest

HIGH_WATER = 256 * 1024
"""Bytes held for an app that reads slowly before the router is made to wait."""


class Framing:
    """Tells body bytes from what follows them. `feed` returns what of the data is body and how much was used."""

    def __init__(self, content_length: int | None, chunked: bool) -> None:
        self._left = 0 if chunked else (content_length or 0)
        self._chunked = chunked
        self._state = "size"
        self._line = b""
        self.done = not chunked and self._left == 0

    def feed(self, data: bytes) -> tuple[bytes, int]:
        if not self._chunked:
            taken = data[: self._left]
            self._left -= len(taken)
            self.done = self._left == 0
            return taken, len(taken)
        out: list[bytes] = []
        at = 0
        while at < len(data) and not self.done:
            at = self._data(data, at, out) if self._state == "data" else self._control(data, at)
        return b"".join(out), at

    def _data(self, data: bytes, at: int, out: list[bytes]) -> int:
        taken = data[at : at + self._left]
        out.append(taken)
        self._left -= len(taken)
        if self._left == 0:
            self._state = "end"
        return at + len(taken)

    def _control(self, data: bytes, at: int) -> int:
        end = data.find(b"\n", at)
        piece = data[at:] if end < 0 else data[at : end + 1]
        self._line += piece
        if len(self._line) > 8192:
            raise BadRequest("chunk line too long")
        if end >= 0:
            line, self._line = self._line, b""
            self._line_ended(line)
        return at + len(piece)

    def _line_ended(self, line: bytes) -> None:
        if not line.endswith(b"\r\n"):
            raise BadRequest("chunk line without CR")
        text = line[:-2]
        if self._state == "end":
            if text:
                raise BadRequest("chunk longer than its size")
            self._state = "size"
        elif self._state == "trailer":
            self.done = text == b""
        else:
            digits = text.partition(b";")[0].strip()
            if not digits or not all(byte in b"0123456789abcdefABCDEF" for byte in digits):
                raise BadRequest("malformed chunk size")
            self._left = int(digits, 16)
            self._state = "data" if self._left else "trailer"


class Body:
    """The chunks of one request on their way to the app."""

    def __init__(self, pause: Callable[[], None], resume: Callable[[], None]) -> None:
        self._chunks: deque[bytes] = deque()
        self._held = 0
        self._paused = False
        self._pause = pause
        self._resume = resume
        self._event = asyncio.Event()
        self.complete = False
        self.disconnected = False

    def push(self, data: bytes) -> None:
        self._chunks.append(data)
        self._held += len(data)
        if self._held > HIGH_WATER and not self._paused:
            self._paused = True
            self._pause()
        self._event.set()

    def finish(self) -> None:
        self.complete = True
        self._event.set()

    def disconnect(self) -> None:
        self.disconnected = True
        self._event.set()

    async def next(self) -> tuple[bytes, bool] | None:
        """The next chunk and whether more may come; None when the caller has gone."""
        while not self._chunks and not self.complete and not self.disconnected:
            self._event.clear()
            await self._event.wait()
        if self.disconnected:
            return None
        data = b"".join(self._chunks)
        self._chunks.clear()
        self._held = 0
        if self._paused:
            self._paused = False
            self._resume()
        return data, not self.complete

    async def until_disconnected(self) -> None:
        while not self.disconnected:
            self._event.clear()
            await self._event.wait()
