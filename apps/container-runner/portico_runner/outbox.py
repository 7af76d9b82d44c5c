"""What is written to a peer: in order, held while the peer reads slowly, with the writer made to wait in time."""

from __future__ import annotations

import asyncio

HIGH_WATER_BYTES = 128 * 1024
"""Bytes held for a peer that reads slowly before the app is made to wait."""
WRITES_IN_A_ROW = 32
"""An app that only sends lets others run after so many times, even if the peer takes all of it."""
JOIN_MAX_BYTES = 64 * 1024
"""Parts up to this size are joined and written at once."""


class Outbox:
    """The sending half of a connection.

    The transport counts as blocked as soon as the kernel takes no more. What is written then is collected here and
    given to the transport in one piece, since it handles many small pieces in quadratic time.
    """

    __slots__ = ("_blocked", "_closed", "_held", "_held_bytes", "_may_write", "_transport", "_writes")

    def __init__(self, transport: asyncio.Transport) -> None:
        transport.set_write_buffer_limits(high=0)
        self._transport = transport
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._blocked = False
        self._closed = False
        self._writes = 0
        self._may_write = asyncio.Event()

    @property
    def is_full(self) -> bool:
        """The peer reads more slowly than is written."""
        return self._held_bytes > HIGH_WATER_BYTES

    @property
    def has_unsent(self) -> bool:
        """The peer has not taken yet what was written."""
        return bool(self._held) or self._transport.get_write_buffer_size() > 0

    @property
    def should_pause(self) -> bool:
        """Whether the app has to wait before it sends more."""
        return self.is_full or self._writes >= WRITES_IN_A_ROW

    def write(self, parts: list[bytes]) -> None:
        """Writes in order; to nobody if the peer has left."""
        self._writes += 1
        if self._closed or self._transport.is_closing():
            return
        if len(parts) > 1 and sum(map(len, parts)) <= JOIN_MAX_BYTES:
            parts = [b"".join(parts)]
        for part in parts:
            if self._blocked:
                self._held.append(part)
                self._held_bytes += len(part)
            else:
                self._transport.write(part)

    async def pause(self) -> None:
        """Returns when more may be written, or when the peer has left."""
        self._writes = 0
        if not self.is_full:
            await asyncio.sleep(0)
        while self.is_full:
            self._may_write.clear()
            await self._may_write.wait()

    def block(self) -> None:
        """The kernel takes no more."""
        self._blocked = True

    def unblock(self) -> None:
        """The kernel has taken everything."""
        self._blocked = False
        self._pass_on()
        self._may_write.set()

    def finish(self) -> None:
        """Nothing is written from now on; what was, is still sent."""
        self._closed = True
        self._pass_on()

    def drop(self) -> None:
        """The peer has left."""
        self._closed = True
        self._held, self._held_bytes = [], 0
        self._may_write.set()

    def _pass_on(self) -> None:
        if self._held:
            data = b"".join(self._held)
            self._held, self._held_bytes = [], 0
            self._transport.write(data)
