"""Responses on the wire, and what becomes of apps that fail."""

from __future__ import annotations

import asyncio
from typing import Any

from .support import ServerCase, answer, request, until


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
