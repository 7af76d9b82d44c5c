"""Request bodies and callers that leave, as the app meets them."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from .support import ServerCase, answer, read_all, request, soon, until


async def hello(scope: Any, receive: Any, send: Any) -> None:
    await answer(send, b"hello", headers=[(b"content-type", b"text/plain")])


async def echo(scope: Any, receive: Any, send: Any) -> None:
    await answer(send, await read_all(receive))


class Bodies(ServerCase):
    async def test_large_bodies_of_both_framings(self) -> None:
        await self.serve(echo)
        client = await self.connect()
        data = os.urandom(3_000_000)
        reply = asyncio.ensure_future(client.response())
        await client.send(request("POST", "/", f"content-length: {len(data)}\r\n", data))
        self.assertEqual((await reply).body, data)
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (data[:1], data[1:70000], data[70000:]))
        reply = asyncio.ensure_future(client.response())
        await client.send(request("POST", "/", "transfer-encoding: chunked\r\n", chunks + b"0\r\n\r\n"))
        self.assertEqual((await reply).body, data)

    async def test_the_app_starts_before_the_body_has_come(self) -> None:
        parts: asyncio.Queue[Any] = asyncio.Queue()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            while (message := await receive())["more_body"]:
                await parts.put(message["body"])
            await answer(send)

        await self.serve(app)
        client = await self.connect()
        await client.send(request("POST", "/", "content-length: 6\r\n", b"ab"))
        self.assertEqual(await soon(parts.get()), b"ab")
        await client.send(b"cd")
        self.assertEqual(await soon(parts.get()), b"cd")
        await client.send(b"ef")
        self.assertEqual((await client.response()).status, 200)

    async def test_an_app_that_does_not_read_holds_the_router_back(self) -> None:
        go = asyncio.Event()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await go.wait()
            await answer(send, str(len(await read_all(receive))).encode())

        await self.serve(app)
        client = await self.connect()
        size = 8 * 1024 * 1024
        client.writer.write(request("POST", "/", f"content-length: {size}\r\n", b"x" * size))
        await until(lambda: self.is_held())
        await asyncio.sleep(0.02)
        self.assertGreater(client.writer.transport.get_write_buffer_size(), 6 * 1024 * 1024)
        go.set()
        self.assertEqual((await client.response()).body, str(size).encode())

    def is_held(self) -> bool:
        return any(each._held for server in self._servers for each in server.connections)

    async def test_continue_is_said_when_the_app_wants_the_body(self) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            if scope["path"] == "/read":
                await answer(send, await read_all(receive))
            else:
                await answer(send, b"no, thanks", status=413)

        await self.serve(app)
        client = await self.connect()
        headers = "content-length: 3\r\nexpect: 100-continue\r\n"
        await client.send(request("POST", "/read", headers))
        self.assertEqual(await client.head(), (100, {}))
        await client.send(b"abc")
        self.assertEqual((await client.response()).body, b"abc")
        await client.send(request("POST", "/refuse", headers))
        got = await client.response()
        self.assertEqual((got.status, got.headers["connection"]), (413, "close"))

    async def test_a_body_that_nobody_reads_does_not_disturb_the_next_request(self) -> None:
        await self.serve(hello)
        client = await self.connect()
        await client.send(request("POST", "/", "content-length: 100000\r\n", b"x" * 50000))
        self.assertEqual((await client.response()).body, b"hello")
        await client.send(b"x" * 50000 + request())
        self.assertEqual((await client.response()).body, b"hello")

    async def test_a_body_without_an_end_that_nobody_reads_ends_the_connection(self) -> None:
        await self.serve(hello)
        client = await self.connect()
        client.writer.write(request("POST", "/", "content-length: 99999999\r\n", b"x" * 3_000_000))
        self.assertEqual((await client.response()).body, b"hello")
        with self.assertRaises((ConnectionError, asyncio.IncompleteReadError)):
            await client.exactly(1)


class Disconnects(ServerCase):
    async def test_the_app_hears_that_the_caller_has_left(self) -> None:
        seen: list[Any] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            seen.append((await receive())["type"])
            seen.append((await receive())["type"])
            await answer(send, b"for nobody")
            seen.append((await receive())["type"])

        await self.serve(app)
        client = await self.connect()
        await client.send(request())
        await until(lambda: len(seen) == 1)
        client.close()
        await until(lambda: len(seen) == 3)
        self.assertEqual(seen, ["http.request", "http.disconnect", "http.disconnect"])

    async def test_a_caller_that_leaves_within_the_body(self) -> None:
        seen: list[Any] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            try:
                await read_all(receive)
            except ConnectionError as error:
                seen.append(error)
                raise

        await self.serve(app)
        client = await self.connect()
        await client.send(request("POST", "/", "content-length: 10\r\n", b"abc"))
        await until(lambda: self.gate.running == 1)
        client.close()
        await until(lambda: self.gate.running == 0)
        self.assertEqual(len(seen), 1)
        self.assertEqual(self.errors.getvalue(), "")

    async def test_sending_without_an_end_to_nobody_lets_others_run(self) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            if scope["path"] == "/":
                return await answer(send, b"hello")
            await send({"type": "http.response.start", "status": 200})
            while True:
                await send({"type": "http.response.body", "body": b"x", "more_body": True})

        await self.serve(app)
        client = await self.connect()
        await client.send(request(path="/endless"))
        await client.head()
        client.close()
        self.assertEqual((await (await self.connect()).get()).body, b"hello")

    async def test_waiting_for_a_disconnect_ends_with_the_response(self) -> None:
        over = asyncio.Event()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await receive()
            listener = asyncio.ensure_future(receive())
            await asyncio.sleep(0)
            await answer(send, b"hello")
            self.assertEqual((await listener)["type"], "http.disconnect")
            over.set()

        await self.serve(app)
        client = await self.connect()
        self.assertEqual((await client.get()).body, b"hello")
        await soon(over.wait())

    async def test_a_cancelled_receive_loses_nothing(self) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            try:
                await asyncio.wait_for(receive(), 0.01)
            except asyncio.TimeoutError:
                await answer(send, await read_all(receive))

        await self.serve(app)
        client = await self.connect()
        await client.send(request("POST", "/", "content-length: 3\r\n"))
        await asyncio.sleep(0.05)
        await client.send(b"abc")
        self.assertEqual((await client.response()).body, b"abc")
