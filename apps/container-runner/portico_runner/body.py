"""A request body on its way to the app, with back-pressure while the app has not read it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

HIGH_WATER_BYTES = 256 * 1024
"""Bytes held for an app that reads slowly before the router is made to wait."""


class Body:
    """The bytes of one request that have come and that the app has not taken yet."""

    __slots__ = ("_chunks", "_held", "_hold_back", "_waiters", "complete", "gone")

    def __init__(self, hold_back: Callable[[bool], None]) -> None:
        self._chunks: list[bytes] = []
        self._held = 0
        self._hold_back = hold_back
        self._waiters: list[asyncio.Future[None]] = []
        self.complete = False
        self.gone = False

    def push(self, data: bytes) -> None:
        """More of the body has come."""
        if not data:
            return
        before = self._held
        self._chunks.append(data)
        self._held += len(data)
        if before <= HIGH_WATER_BYTES < self._held:
            self._hold_back(True)
        self._wake()

    def finish(self) -> None:
        """The body has come as a whole."""
        self.complete = True
        self._wake()

    def disconnect(self) -> None:
        """The caller has left."""
        self.gone = True
        self._wake()

    async def next(self) -> tuple[bytes, bool] | None:
        """What has come, and whether more may come; None when the caller has left."""
        while not self._chunks and not self.complete and not self.gone:
            await self._change()
        if self.gone:
            return None
        return self.take(), not self.complete

    def take(self) -> bytes:
        """Hands out what is held and lets the router send more."""
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        if self._held > HIGH_WATER_BYTES:
            self._hold_back(False)
        self._chunks = []
        self._held = 0
        return data

    async def until_gone(self) -> None:
        """Returns when the caller has left."""
        while not self.gone:
            await self._change()

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def _change(self) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
