"""The server as a router sees it: raw bytes over its socket."""

from __future__ import annotations

import asyncio
import contextvars
import os
import stat
from typing import Any

from portico_runner.head import MAX_HEAD_BYTES

from .support import ServerCase, answer, read_all, request, until


async def hello(scope: Any, receive: Any, send: Any) -> None:
    await answer(send, b"hello", headers=[(b"content-type", b"text/plain")])


async def echo(scope: Any, receive: Any, send: Any) -> None:
    await answer(send, await read_all(receive))


class Scope(ServerCase):
    async def test_what_the_app_sees(self) -> None:
        seen: list[Any] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            seen.append(scope)
            scope["state"]["mine"] = 1
            await answer(send)

        state = {"number": 42}
        await self.serve(app, state=state)
        client = await self.connect()
        private = "portico-client-address: 1.2.3.4:567\r\nportico-request-id: r\r\nportico-scheme: https\r\n"
        await client.get("/a%20b/%C3%A4?q=%20", private + "traceparent: t\r\n")
        scope = seen[0]
        self.assertEqual(scope["type"], "http")
        self.assertEqual(scope["http_version"], "1.1")
        self.assertEqual((scope["path"], scope["raw_path"]), ("/a b/ä", b"/a%20b/%C3%A4"))
        self.assertEqual((scope["query_string"], scope["root_path"]), (b"q=%20", ""))
        self.assertEqual((scope["client"], scope["scheme"]), (("1.2.3.4", 567), "https"))
        self.assertEqual(scope["server"], ("a.test", 443))
        self.assertEqual(scope["headers"], [(b"host", b"a.test"), (b"traceparent", b"t")])
        self.assertEqual(state, {"number": 42})
        await client.get("/", "portico-client-address: [2001:db8::1]:99\r\nx-forwarded-proto: gopher\r\n")
        self.assertEqual((seen[1]["client"], seen[1]["scheme"]), (("2001:db8::1", 99), "http"))
        self.assertEqual(seen[1]["state"], {"number": 42, "mine": 1})

    async def test_each_request_has_its_own_context_and_ids(self) -> None:
        mine: contextvars.ContextVar[str] = contextvars.ContextVar("mine", default="nothing")
        ids: list[str] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            body = await read_all(receive)
            before = mine.get()
            mine.set(scope["path"])
            await answer(send, before.encode() + body[:0])

        await self.serve(app, set_ids=ids.append)
        client = await self.connect()
        big = b"x" * 1_000_000
        for path in ("/1", "/2"):
            headers = f"content-length: {len(big)}\r\nportico-request-id: id{path}\r\n"
            await client.send(request("POST", path, headers, big))
            self.assertEqual((await client.response()).body, b"nothing")
        await client.send(request(path="/3") + request(path="/4"))
        for _ in range(2):
            self.assertEqual((await client.response()).body, b"nothing")
        self.assertEqual(ids, ["id/1", "id/2", "", ""])


class KeepAlive(ServerCase):
    async def test_one_connection_serves_many_requests(self) -> None:
        server = await self.serve(hello)
        client = await self.connect()
        for _ in range(3):
            self.assertEqual((await client.get()).body, b"hello")
        self.assertEqual(len(server.connections), 1)

    async def test_requests_sent_before_their_turn_are_answered_in_order(self) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            body = await read_all(receive)
            await asyncio.sleep(0)
            await answer(send, scope["path"].encode() + body)

        await self.serve(app)
        client = await self.connect()
        await client.send(
            request("POST", "/1", "content-length: 2\r\n", b"aa")
            + request("POST", "/2", "transfer-encoding: chunked\r\n", b"2\r\nbb\r\n0\r\n\r\n")
            + b"".join(request(path=f"/{number}") for number in range(3, 30))
        )
        bodies = [(await client.response()).body for _ in range(29)]
        self.assertEqual(bodies, [b"/1aa", b"/2bb"] + [f"/{number}".encode() for number in range(3, 30)])

    async def test_byte_by_byte(self) -> None:
        await self.serve(echo)
        client = await self.connect()
        data = request("POST", "/", "transfer-encoding: chunked\r\n", b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\na: b\r\n\r\n")
        for byte in data + request():
            await client.send(bytes((byte,)))
            await asyncio.sleep(0)
        self.assertEqual((await client.response()).body, b"abcde")
        self.assertEqual((await client.response()).body, b"")

    async def test_connection_close_is_honoured_from_either_side(self) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await answer(send, headers=[(b"connection", b"close")] if scope["path"] == "/app" else [])

        await self.serve(app)
        for path, headers in (("/", "connection: close\r\n"), ("/app", "")):
            client = await self.connect()
            got = await client.get(path, headers)
            self.assertEqual(got.headers["connection"], "close")
            self.assertEqual(await client.ended(), b"")

    async def test_the_socket_may_be_used_by_whoever_sees_it(self) -> None:
        server = await self.serve(hello)
        path = os.path.join(self.folder, "web.sock")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o666)
        server.close()
        self.assertFalse(os.path.exists(path))

    async def test_a_socket_left_behind_is_replaced(self) -> None:
        await self.serve(echo)
        await self.serve(hello)
        self.assertEqual((await (await self.connect()).get()).body, b"hello")


class Malformed(ServerCase):
    async def test_a_bad_head_is_answered_and_ends_the_connection(self) -> None:
        await self.serve(hello)
        for data, status in (
            (b"NONSENSE\r\n\r\n", 400),
            (b"GET / HTTP/1.0\r\nhost: a\r\n\r\n", 505),
            (request(headers="x: " + "a" * MAX_HEAD_BYTES + "\r\n"), 431),
            (b"GET / HTTP/1.1\r\nx: " + b"a" * MAX_HEAD_BYTES + b"aaaaaaaaaaaaaaaaaaaaa", 431),
            (request(headers="expect: more\r\n"), 417),
        ):
            with self.subTest(data=data[:30]):
                client = await self.connect()
                await client.send(data)
                got = await client.response()
                self.assertEqual((got.status, got.headers["connection"]), (status, "close"))
                self.assertTrue(got.body.startswith(b"modal-http: "))
                self.assertEqual(await client.ended(), b"")

    async def test_a_bad_chunk_reaches_the_app_as_a_disconnect(self) -> None:
        seen: list[str] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            while True:
                message = await receive()
                seen.append(message["type"])
                if message["type"] == "http.disconnect":
                    return

        await self.serve(app)
        client = await self.connect()
        await client.send(request("POST", "/", "transfer-encoding: chunked\r\n", b"2\r\nab\r\n"))
        await until(lambda: bool(seen))
        await client.send(b"nonsense\r\n")
        self.assertEqual((await client.response()).status, 400)
        await until(lambda: seen[-1] == "http.disconnect")
        self.assertEqual(await client.ended(), b"")
        await until(lambda: self.gate.running == 0)

    async def test_a_good_request_before_a_bad_one_gets_its_answer(self) -> None:
        await self.serve(hello)
        client = await self.connect()
        await client.send(request() + b"BAD\r\n\r\n")
        self.assertEqual((await client.response()).body, b"hello")
        self.assertEqual((await client.response()).status, 400)
