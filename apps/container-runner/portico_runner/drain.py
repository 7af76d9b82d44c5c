"""The end of a container's work: nothing new, what runs may end, the router has time to notice."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from .gate import Gate
from .ports import until_unused
from .web_function import WebFunction

LINGER_SECONDS = 0.5
"""How long a draining container stays to say "busy", so that the router has noticed."""
PORT_GRACE_SECONDS = 30.0
"""The longest drain of a port: who is connected to it may be idle, which cannot be seen from here."""


class Drain:
    """One drain for all web functions of the container; each is closed when its turn comes."""

    def __init__(self, gate: Gate, grace_seconds: float) -> None:
        self._gate = gate
        self._since = time.monotonic()
        self._grace = grace_seconds

    async def run(self, function: WebFunction) -> None:
        """Says "busy", lets what runs end, stays until the router has noticed, then closes the function."""
        self._gate.start_draining()
        if not await self._gate.drained(self._left()):
            print("portico: requests that still ran at the end of the drain were cut off", file=sys.stderr, flush=True)
            await self._gate.cut()
        await asyncio.sleep(self._left(LINGER_SECONDS))
        if function.port:
            await until_unused(function.port, lambda: self._left(PORT_GRACE_SECONDS))
        if function.server is not None:
            await function.server.flushed(self._left)
            function.server.close()

    def hurry(self) -> None:
        """The grace ends now."""
        self._grace = 0.0
        self._gate.cancel()

    @contextmanager
    def hurried_by(self, number: signal.Signals) -> Iterator[None]:
        """Lets a signal that would do nothing, or end the process without its exit hooks, end the grace instead."""
        loop = asyncio.get_running_loop()
        if signal.getsignal(number) is not signal.SIG_DFL:
            # The user has plans of his own for it.
            yield
            return
        try:
            loop.add_signal_handler(number, self.hurry)
        except (NotImplementedError, RuntimeError, ValueError):
            yield
            return
        try:
            yield
        finally:
            loop.remove_signal_handler(number)

    def _left(self, most: float = float("inf")) -> float:
        """Seconds of the grace, or of a shorter span since the drain began, that are left."""
        return max(0.0, self._since + min(self._grace, most) - time.monotonic())
