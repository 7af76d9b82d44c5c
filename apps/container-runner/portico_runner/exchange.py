"""One HTTP request and its response, as an ASGI application sees them."""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from .answer import Answer, plain_answer
from .body import Body
from .head import Head

if TYPE_CHECKING:
    from .connection import Connection

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
CUT_TEXT = "modal-http: internal error: the container stopped before the response was complete"
MAX_REPR_LENGTH = 2000


class Exchange:
    """Runs the app for one request and writes what it sends, each part as it comes."""

    __slots__ = (
        "_answer",
        "_broken",
        "_connection",
        "_expects_continue",
        "_gone",
        "_has_answered",
        "_outbox",
        "_request_ended",
        "body",
        "head",
    )

    def __init__(self, head: Head, body: Body, connection: Connection, has_answered: Callable[[], None]) -> None:
        self.head = head
        self.body = body
        self._connection = connection
        self._outbox = connection.outbox
        self._has_answered = has_answered
        self._answer = Answer(head.method == "HEAD")
        self._expects_continue = head.expects_continue
        self._request_ended = False
        self._broken = False
        self._gone = False

    @property
    def has_ended(self) -> bool:
        """Nothing of the response is still to come."""
        return self._answer.ended or self._broken

    async def run(self, app: App, scope: dict[str, Any]) -> None:
        """Calls the app; its failure becomes the answer."""
        try:
            await app(scope, self._receive, self._send)
        except BaseException as error:  # noqa: BLE001 - also SystemExit: one request must not end the container
            self._failed(error)
        else:
            if not self.has_ended and not self._gone:
                self._failed(RuntimeError("the application returned without completing its response"))

    def refuse(self, status: int, text: str) -> None:
        """The request turned out to be malformed while the app was running."""
        if not self.has_ended:
            self._break(status, f"modal-http: {text}")

    def disconnected(self) -> None:
        """The caller has left."""
        self._gone = True
        self.body.disconnect()

    async def _receive(self) -> Message:
        if not self._request_ended and not self.has_ended:
            if self._expects_continue and not self.body.complete:
                self._expects_continue = False
                if not self._answer.on_wire:
                    self._outbox.write([CONTINUE])
            chunk = await self.body.next()
            if chunk is not None:
                self._request_ended = not chunk[1]
                return {"type": "http.request", "body": chunk[0], "more_body": chunk[1]}
        elif not self.has_ended:
            await self.body.until_gone()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if self._broken or self._gone:
            # Nobody listens; let others run, since an app may send in a loop without an end.
            await asyncio.sleep(0)
            return
        try:
            parts = self._encode(message)
        except Exception as error:
            self._break(500, _failure_text(error))
            raise
        if parts:
            self._outbox.write(parts)
        if self._answer.ended:
            self._end(self._answer.close)
        if self._outbox.should_pause:
            await self._outbox.pause()

    def _encode(self, message: Message) -> list[bytes]:
        kind = message["type"]
        answer = self._answer
        if kind == "http.response.body":
            return answer.body(message.get("body") or b"", bool(message.get("more_body", False)))
        if kind == "http.response.start":
            answer.start(message, close=self._must_close())
            asyncio.get_running_loop().call_soon(self._flush)
            return []
        if kind == "http.response.trailers":
            return answer.trailers(message)
        raise RuntimeError(f"unexpected message {kind!r} in an HTTP response")

    def _must_close(self) -> bool:
        # A body that was never asked for (100-continue) may or may not follow: nobody can tell.
        never_asked = self._expects_continue and not self.body.complete
        return not self.head.keep_alive or self._connection.draining or never_asked

    def _flush(self) -> None:
        if not self._broken and not self._gone:
            head = self._answer.flush()
            if head:
                self._outbox.write([head])

    def _failed(self, error: BaseException) -> None:
        cut = isinstance(error, asyncio.CancelledError) and self._connection.draining
        if not cut and not (self._gone and _is_about_leaving(error)):
            print_error(error)
        if not self.has_ended and not self._gone:
            self._break(500, CUT_TEXT if cut else _failure_text(error))

    def _break(self, status: int, text: str) -> None:
        """Ends a response that cannot go on: by an answer of our own if nothing is on the wire, else by cutting."""
        self._broken = True
        if self._answer.on_wire:
            self._connection.abort()
        else:
            self._outbox.write([plain_answer(status, text, close=True, head_only=self.head.method == "HEAD")])
        self._end(close=True)

    def _end(self, close: bool) -> None:
        # Whoever still waits for a part of the request hears that it is over.
        self.body.disconnect()
        self._has_answered()
        self._connection.answered(self, close)


def _is_about_leaving(error: BaseException) -> bool:
    """Whether an app that was left alone by its caller merely says so."""
    return isinstance(error, (OSError, asyncio.CancelledError)) or type(error).__name__ == "ClientDisconnect"


def _failure_text(error: BaseException) -> str:
    try:
        shown = repr(error)
    except Exception:  # noqa: BLE001 - a user's __repr__ may do anything
        shown = type(error).__name__
    return f"modal-http: internal error: status Failure: ExecutionError({shown[:MAX_REPR_LENGTH]!r})"


def print_error(error: BaseException) -> None:
    """Shows the app's failure in the container's log."""
    traceback.print_exception(type(error), error, error.__traceback__, file=sys.stderr)
    sys.stderr.flush()
