"""The gate: never more than the limit, busy beyond it, a slot is always given back."""

from __future__ import annotations

import asyncio
from typing import Any

from .support import Client, ServerCase, answer, request, soon, until


class Limit(ServerCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.go = asyncio.Event()
        self.calls = 0
        self.running = 0
        self.most = 0

    async def slow(self, scope: Any, receive: Any, send: Any) -> None:
        self.calls += 1
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self.go.wait()
            await answer(send, b"done")
        finally:
            self.running -= 1

    async def started(self, count: int) -> list[Client]:
        clients = [await self.connect() for _ in range(count)]
        for client in clients:
            await client.send(request())
        await until(lambda: self.calls == count)
        return clients

    async def test_what_is_over_the_limit_is_told_to_go_elsewhere(self) -> None:
        await self.serve(self.slow, limit=2)
        running = await self.started(2)
        third = await self.connect()
        got = await third.get()
        self.assertEqual((got.status, got.headers["portico-busy"]), (503, "1"))
        self.assertEqual(got.body, b"modal-http: container is busy")
        self.assertEqual(self.calls, 2)
        self.go.set()
        for client in running:
            self.assertEqual((await client.response()).status, 200)
        # The connection that was refused is as good as ever.
        self.assertEqual((await third.get()).status, 200)

    async def test_the_limit_is_common_to_all_sockets(self) -> None:
        await self.serve(self.slow, limit=1, name="one.sock")
        await self.serve(self.slow, limit=1, name="two.sock")
        one, two = await self.connect("one.sock"), await self.connect("two.sock")
        await one.send(request())
        await until(lambda: self.calls == 1)
        self.assertEqual((await two.get()).status, 503)

    async def test_a_refused_upload_is_answered_at_once_and_does_not_disturb_what_follows(self) -> None:
        await self.serve(self.slow, limit=1)
        await self.started(1)
        client = await self.connect()
        await client.send(request("POST", "/", "content-length: 10\r\n", b"12345"))
        self.assertEqual((await client.response()).status, 503)
        await client.send(b"67890" + request("POST", "/", "content-length: 2\r\n", b"ab") + request())
        self.assertEqual((await client.response()).status, 503)
        self.assertEqual((await client.response()).status, 503)
        await client.send(request("HEAD"))
        self.assertEqual((await client.response(head_only=True)).status, 503)

    async def test_a_slot_comes_back_however_a_request_ends(self) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            if scope["path"] == "/fail":
                raise ValueError
            if scope["path"] == "/leave":
                while (await receive())["type"] != "http.disconnect":
                    pass
                raise OSError
            await answer(send)

        await self.serve(app, limit=1)
        for _ in range(5):
            self.assertEqual((await (await self.connect()).get("/fail")).status, 500)
            await until(lambda: self.gate.running == 0)
            client = await self.connect()
            await client.send(request(path="/leave"))
            await until(lambda: self.gate.running == 1)
            client.close()
            await until(lambda: self.gate.running == 0)
            client = await self.connect()
            await client.send(request("POST", "/", "transfer-encoding: chunked\r\n", b"zz\r\n"))
            self.assertEqual((await client.response()).status, 400)
            await until(lambda: self.gate.running == 0)
        self.assertEqual((await (await self.connect()).get()).status, 200)

    async def test_under_load_the_limit_is_never_passed(self) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            self.running += 1
            self.most = max(self.most, self.running)
            await asyncio.sleep(0.001)
            await answer(send)
            await asyncio.sleep(0)
            self.running -= 1

        await self.serve(app, limit=3)

        statuses: set[int] = set()

        async def ask() -> None:
            client = await self.connect()
            for _ in range(30):
                statuses.add((await client.get()).status)

        await asyncio.gather(*(ask() for _ in range(10)))
        self.assertEqual(self.most, 3)
        self.assertEqual(statuses, {200, 503})
        await until(lambda: self.gate.running == self.gate.finishing == 0)


class Patience(ServerCase):
    """A request may wait a moment for a slot whose request has been answered."""

    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.release = asyncio.Event()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await answer(send, scope["path"].encode())
            if scope["path"] == "/background":
                await self.release.wait()

        await self.serve(app, limit=1)

    async def test_it_gets_the_slot_when_the_app_returns(self) -> None:
        first, second = await self.connect(), await self.connect()
        self.assertEqual((await first.get("/background")).status, 200)
        await second.send(request(path="/next") + request(path="/after"))
        await until(lambda: len(self.gate._waiting) == 1)
        third = await (await self.connect()).get("/third")
        self.assertEqual(third.status, 503)
        self.release.set()
        self.assertEqual((await second.response()).body, b"/next")
        self.assertEqual((await second.response()).body, b"/after")

    async def test_it_is_refused_when_that_takes_too_long(self) -> None:
        first = await self.connect()
        self.assertEqual((await first.get("/background")).status, 200)
        self.assertEqual((await soon(first.get("/next"))).status, 503)
        self.release.set()
        await until(lambda: self.gate.running == 0)
        self.assertEqual((await first.get("/next")).status, 200)

    async def test_a_caller_that_leaves_while_it_waits_is_forgotten(self) -> None:
        first, second = await self.connect(), await self.connect()
        self.assertEqual((await first.get("/background")).status, 200)
        await second.send(request(path="/next"))
        await until(lambda: len(self.gate._waiting) == 1)
        # Its connection is not read while it waits, so that it has left is seen when its turn comes.
        second.close()
        self.release.set()
        await until(lambda: self.gate.running == 0 and not self.gate._waiting)
        self.assertEqual((await first.get("/next")).status, 200)
