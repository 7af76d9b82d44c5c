"""The last word on how many requests run at once in this container."""

from __future__ import annotations

import asyncio
import time

LINGER_SECONDS = 0.5
"""How long a draining container stays to say "busy", so that the router has noticed."""


class Gate:
    """Counts running requests over all sockets of the container."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.running = 0
        self._draining_since: float | None = None
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def draining(self) -> bool:
        return self._draining_since is not None

    def enter(self) -> bool:
        """Takes a slot; False means busy: the router should try elsewhere."""
        if self.draining or self.running >= self.limit:
            return False
        self.running += 1
        self._idle.clear()
        return True

    def leave(self) -> None:
        """Gives the slot back. Once for every `enter` that said True."""
        self.running -= 1
        if self.running == 0:
            self._idle.set()

    async def drain(self) -> None:
        """Takes no more work; returns when what runs has ended and the router has had time to notice."""
        if self._draining_since is None:
            self._draining_since = time.monotonic()
        await self._idle.wait()
        left = LINGER_SECONDS - (time.monotonic() - self._draining_since)
        if left > 0:
            await asyncio.sleep(left)
