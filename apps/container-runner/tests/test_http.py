"""The server as a router sees it: raw bytes over its socket."""

from __future__ import annotations

import asyncio
import contextvars
import os
import stat
from typing import Any

from portico_runner.head import MAX_HEAD_BYTES

from .support import ServerCase, answer, read_all, request, soon, until


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


class Responses(ServerCase):
    async def test_each_chunk_leaves_as_it_is_sent(self) -> None:
        steps = [asyncio.Event() for _ in range(3)]

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200})
            for number, step in enumerate(steps):
                await step.wait()
                await send({"type": "http.response.body", "body": b"part %d" % number, "more_body": True})
            await send({"type": "http.response.body"})

        await self.serve(app)
        client = await self.connect()
        await client.send(request())
        self.assertEqual((await client.head())[0], 200)
        for number, step in enumerate(steps):
            step.set()
            self.assertEqual(await client.chunk(), b"part %d" % number)
        self.assertEqual(await client.chunk(), b"")

    async def test_head_and_statuses_without_body_leave_the_connection_usable(self) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            status = int(scope["path"][1:])
            await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"4")]})
            await send({"type": "http.response.body", "body": b"ab", "more_body": True})
            await send({"type": "http.response.body", "body": b"cd"})

        await self.serve(app)
        client = await self.connect()
        await client.send(request("HEAD", "/200"))
        got = await client.response(head_only=True)
        self.assertEqual((got.status, got.headers["content-length"]), (200, "4"))
        for status in (204, 304):
            self.assertEqual((await client.get(f"/{status}")).status, status)
        self.assertEqual((await client.get("/200")).body, b"abcd")

    async def test_trailers(self) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            self.assertIn("http.response.trailers", scope["extensions"])
            await send({"type": "http.response.start", "status": 200, "trailers": True})
            await send({"type": "http.response.body", "body": b"body"})
            await send({"type": "http.response.trailers", "headers": [(b"grpc-status", b"0")]})

        await self.serve(app)
        client = await self.connect()
        got = await client.get()
        self.assertEqual((got.body, got.trailers), (b"body", {"grpc-status": "0"}))
        self.assertEqual((await client.get()).body, b"body")

    async def test_a_slow_reader_holds_the_app_back(self) -> None:
        sent = 0

        async def app(scope: Any, receive: Any, send: Any) -> None:
            nonlocal sent
            await send({"type": "http.response.start", "status": 200})
            for _ in range(400):
                await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
                sent += 65536
            await send({"type": "http.response.body"})

        await self.serve(app)
        client = await self.connect()
        client.reader._limit = 1024  # type: ignore[attr-defined]
        await client.send(request())
        await client.head()
        await until(lambda: self.is_held_back())
        await asyncio.sleep(0.1)
        self.assertLess(sent, 2 * 1024 * 1024)
        total = 0
        while chunk := await client.chunk():
            total += len(chunk)
        self.assertEqual(total, 400 * 65536)

    def is_held_back(self) -> bool:
        return any(each.outbox.is_full for server in self._servers for each in server.connections)


class Failures(ServerCase):
    async def test_an_exception_before_the_response_is_a_500(self) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            if scope["path"] == "/late":
                await send({"type": "http.response.start", "status": 200})
            raise SystemExit(3) if scope["path"] == "/exit" else ValueError("boom")

        await self.serve(app)
        for path in ("/", "/late"):
            client = await self.connect()
            got = await client.get(path)
            self.assertEqual((got.status, got.headers["content-type"]), (500, "text/plain; charset=utf-8"))
            self.assertEqual(
                got.body, b"modal-http: internal error: status Failure: ExecutionError(\"ValueError('boom')\")"
            )
            self.assertEqual(await client.ended(), b"")
        self.assertIn("ValueError: boom", self.errors.getvalue())
        self.assertEqual((await (await self.connect()).get("/exit")).status, 500)
        await until(lambda: self.gate.running == 0)

    async def test_an_exception_after_the_start_cuts_the_connection(self) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200})
            await send({"type": "http.response.body", "body": b"part", "more_body": True})
            raise ValueError("boom")

        await self.serve(app)
        client = await self.connect()
        await client.send(request())
        await client.head()
        self.assertEqual(await client.chunk(), b"part")
        self.assertEqual(await client.ended(), b"")
        self.assertIn("ValueError: boom", self.errors.getvalue())

    async def test_an_app_that_ends_too_early(self) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            if scope["path"] == "/part":
                await send({"type": "http.response.start", "status": 200})
                await send({"type": "http.response.body", "body": b"part", "more_body": True})

        await self.serve(app)
        got = await (await self.connect()).get()
        self.assertEqual(got.status, 500)
        self.assertIn(b"without completing", got.body)
        client = await self.connect()
        await client.send(request(path="/part"))
        await client.head()
        self.assertEqual(await client.chunk(), b"part")
        self.assertEqual(await client.ended(), b"")

    async def test_what_an_app_must_not_send(self) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            if scope["path"] == "/split":
                await answer(send, headers=[(b"a", b"b\r\nset-cookie: c")])
            elif scope["path"] == "/kind":
                await send({"type": "http.response.pathsend", "path": "/etc/passwd"})
            elif scope["path"] == "/text":
                await answer(send, "text")  # type: ignore[arg-type]
            else:
                await send({"type": "http.response.body", "body": b""})

        await self.serve(app)
        for path in ("/split", "/kind", "/text", "/order"):
            with self.subTest(path=path):
                got = await (await self.connect()).get(path)
                self.assertEqual(got.status, 500)
                self.assertNotIn("set-cookie", got.headers)

    async def test_a_failure_of_a_background_task_is_printed_and_changes_nothing(self) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await answer(send, b"done")
            raise OSError("background")

        await self.serve(app)
        client = await self.connect()
        self.assertEqual((await client.get()).body, b"done")
        self.assertEqual((await client.get()).body, b"done")
        await until(lambda: self.errors.getvalue().count("OSError: background") == 2)

    async def test_a_repr_that_fails_does_no_harm(self) -> None:
        class Odd(Exception):
            def __repr__(self) -> str:
                raise RuntimeError("no repr")

        async def app(scope: Any, receive: Any, send: Any) -> None:
            raise Odd

        await self.serve(app)
        self.assertIn(b"Odd", (await (await self.connect()).get()).body)


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
