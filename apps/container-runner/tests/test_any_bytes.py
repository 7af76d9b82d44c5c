"""Whatever bytes come, in whatever pieces: the server neither fails nor is undecided about them."""

from __future__ import annotations

import asyncio
import os
import random
import unittest
from typing import Any

from portico_runner.connection import Connection
from portico_runner.gate import Gate
from portico_runner.server import Server

from .support import answer, read_all, request
from .websocket_support import UPGRADE, frame

ROUNDS = int(os.environ.get("PORTICO_FUZZ_ROUNDS", "1500"))
SEEDS = (
    request("POST", "/a", "content-length: 5\r\n", b"hello") + request(path="/b?c=d"),
    request("POST", "/a", "transfer-encoding: chunked\r\n", b"3;x=y\r\nabc\r\n0\r\nt: u\r\n\r\n")
    + request("HEAD", "/h"),
    request("PUT", "/e", "content-length: 3\r\nexpect: 100-continue\r\n", b"abc")
    + request(headers="connection: close\r\n"),
    request(path="/ws", headers=UPGRADE)
    + frame(1, b"text")
    + frame(9, b"ping")
    + frame(2, b"x" * 300)
    + frame(8, b"\3\xe8"),
)
SPICES = (
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b" ",
    b":",
    b"chunked",
    b"content-length: 1\r\n",
    b"\xff",
    b"0\r\n\r\n",
    b"\x81\xff",
)


class Wire(asyncio.Transport):
    """A transport that takes everything and remembers it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False

    def write(self, data: Any) -> None:
        self.written += data

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class AnyBytes(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        self.failures: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: self.failures.append(context))
        self.gate = Gate(1000)
        self.server = Server(self.app, self.gate, {}, lambda _: None)

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            while (message := await receive())["type"] != "websocket.disconnect":
                if message["type"] == "websocket.receive":
                    await send({"type": "websocket.send", "text": repr(message)})
            return
        try:
            body = await read_all(receive)
        except ConnectionError:
            return
        await answer(send, repr((scope["method"], scope["raw_path"], scope["headers"], body)).encode())

    async def outcome(self, data: bytes, cuts: list[int]) -> bytes:
        """What the peer reads, with a fresh connection, when the bytes come in these pieces."""
        connection, wire = Connection(self.server), Wire()
        connection.connection_made(wire)
        for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
            if start < end and not wire.closed:
                connection.data_received(data[start:end])
            await self.settle()
        connection.connection_lost(None)
        await self.settle()
        return wire.written

    async def settle(self) -> None:
        for _ in range(12):
            await asyncio.sleep(0)

    async def test_pieces_make_no_difference_and_nothing_fails(self) -> None:
        chance = random.Random(20261123)
        for number in range(ROUNDS):
            data = mutated(chance, SEEDS[number % len(SEEDS)])
            cuts = sorted(chance.randrange(len(data) + 1) for _ in range(chance.randrange(6)))
            whole, pieces = await self.outcome(data, []), await self.outcome(data, cuts)
            # A refusal may come before or after the answer to a request that was cut short by it.
            self.assertEqual(statuses(whole), statuses(pieces), (data, cuts))
            self.assertEqual(self.failures, [], data)
        await self.gate.cut()
        self.assertEqual((self.gate.running, self.gate.finishing), (0, 0))

    async def test_seeds_are_what_they_should_be(self) -> None:
        found = [statuses(await self.outcome(seed, [])) for seed in SEEDS]
        self.assertEqual(found, [[200, 200], [200, 200], [200, 200], [101]])


def statuses(written: bytes) -> list[int]:
    """The final statuses in what was written; whether 100 is said depends on what has come by then."""
    found = [int(part[1:4]) for part in written.split(b"HTTP/1.1")[1:] if part[1:4].isdigit()]
    return [status for status in found if status != 100]


def mutated(chance: random.Random, data: bytes) -> bytes:
    """A seed with a few bytes changed, dropped, doubled or added."""
    for _ in range(chance.randrange(4)):
        at = chance.randrange(len(data) + 1)
        kind = chance.randrange(4)
        if kind == 0:
            data = data[:at] + chance.choice(SPICES) + data[at:]
        elif kind == 1:
            data = data[:at] + data[at + chance.randrange(1, 9) :]
        elif kind == 2:
            data = data[:at] + bytes((chance.randrange(256),)) + data[at + 1 :]
        else:
            data = data[:at] + data[max(0, at - chance.randrange(1, 30)) :]
    return data or b"\r\n"
