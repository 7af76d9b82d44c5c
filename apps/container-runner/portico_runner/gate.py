"""The last word on how many requests run at once in this container, over all of its sockets."""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

PATIENCE_SECONDS = 0.25
"""How long a request may wait for a slot whose request has been answered but whose app has not returned yet."""

CUT_SECONDS = 2.0
"""How long requests that are cut off get to clean up."""


class Pass:
    """One request at the gate: admitted, refused, or (while `admitted` is None) waiting."""

    __slots__ = ("_answered", "_decided", "_gate", "_timer", "admitted")

    def __init__(self, gate: Gate, admitted: bool | None) -> None:
        self._gate = gate
        self._answered = False
        self._decided: Callable[[], None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.admitted = admitted

    @property
    def answered(self) -> bool:
        """Its response is complete, though its app may still be running."""
        return self._answered

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs an admitted request. The slot is free again when the task has ended, however it ends."""
        self._gate.run(self, work)

    def has_answered(self) -> None:
        """The response is complete, so the slot will be free soon."""
        if not self._answered:
            self._answered = True
            self._gate.finishing += 1

    def when_decided(self, decided: Callable[[], None]) -> None:
        """Calls back once a waiting pass is admitted or refused."""
        self._decided = decided
        self._timer = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, self._gate.refuse, self)

    def decide(self, admitted: bool) -> None:
        """Ends the waiting."""
        self.admitted = admitted
        if self._timer is not None:
            self._timer.cancel()
        if self._decided is not None:
            self._decided()

    def give_up(self) -> None:
        """The caller has left while it waited."""
        self._decided = None
        self._gate.refuse(self)


class Gate:
    """Counts running requests; refuses what is over the limit, and everything once the container drains."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.running = 0
        self.finishing = 0
        self.draining = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: deque[Pass] = deque()
        self._context = contextvars.copy_context()

    def ask(self) -> Pass:
        """Asks for a slot.

        A slot whose request has been answered is about to be free (its app runs its last lines, or background
        tasks): a request may wait for it a moment, since "busy" would send it on a long way.
        """
        if not self.draining and self.running < self.limit:
            self.running += 1
            return Pass(self, True)
        if not self.draining and len(self._waiting) < self.finishing:
            waiting = Pass(self, None)
            self._waiting.append(waiting)
            return waiting
        return Pass(self, False)

    def run(self, admitted: Pass, work: Coroutine[Any, Any, None]) -> None:
        """Starts the work in the context of the app's start, so that no request sees another's variables."""
        task = self._context.copy().run(asyncio.get_running_loop().create_task, work)
        self._tasks.add(task)
        task.add_done_callback(lambda ended: self._leave(admitted, ended))

    def use_context(self, context: contextvars.Context) -> None:
        """The context that requests start with."""
        self._context = context

    def refuse(self, waiting: Pass) -> None:
        """It has waited long enough."""
        if waiting in self._waiting:
            self._waiting.remove(waiting)
            waiting.decide(False)

    def start_draining(self) -> None:
        """From now on everybody is told to go elsewhere."""
        self.draining = True
        while self._waiting:
            self._waiting.popleft().decide(False)

    async def drained(self, grace_seconds: float) -> bool:
        """Waits for what runs; True when all of it has ended within the grace."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=grace_seconds)
        return not self._tasks

    def cancel(self) -> None:
        """Cancels what still runs."""
        for task in self._tasks:
            task.cancel()

    async def cut(self) -> None:
        """Cancels what still runs and waits a moment for it."""
        self.cancel()
        await self.drained(CUT_SECONDS)

    def _leave(self, admitted: Pass, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if admitted.answered:
            self.finishing -= 1
        if self._waiting:
            self._waiting.popleft().decide(True)
        else:
            self.running -= 1
