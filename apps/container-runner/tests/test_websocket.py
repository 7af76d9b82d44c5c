"""The opening of WebSockets, byte by byte."""

from __future__ import annotations

from typing import Any

from portico_runner.frames import TEXT

from .support import answer, request, until
from .websocket_support import KEY, UPGRADE, SocketCase, frame, read_frame


class Handshake(SocketCase):
    async def test_the_answer_and_the_scope(self) -> None:
        await self.serve(self.echo, state={"number": 42})
        client = await self.connect()
        offered = "sec-websocket-protocol: chat, superchat\r\n"
        private = "portico-client-address: 1.2.3.4:5\r\nportico-scheme: https\r\n"
        await client.send(request(path="/ws?a=b", headers=UPGRADE + offered + private))
        got = await client.response()
        self.assertEqual(got.headers["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        self.assertEqual((got.headers["upgrade"], got.headers["connection"]), ("websocket", "Upgrade"))
        self.assertNotIn("sec-websocket-protocol", got.headers)
        scope = self.scopes[0]
        self.assertEqual((scope["type"], scope["scheme"], scope["path"]), ("websocket", "wss", "/ws"))
        self.assertEqual(scope["subprotocols"], ["chat", "superchat"])
        self.assertEqual((scope["client"], scope["state"]), (("1.2.3.4", 5), {"number": 42}))
        self.assertEqual(self.events[0], {"type": "websocket.connect"})

    async def test_sub_protocol_and_headers_of_the_app(self) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            headers = [(b"x-mine", b"1"), (b"sec-websocket-accept", b"forged"), (b"upgrade", b"h2c")]
            await send({"type": "websocket.accept", "subprotocol": "chat", "headers": headers})

        await self.serve(app)
        _, got = await self.open()
        self.assertEqual((got.headers["sec-websocket-protocol"], got.headers["x-mine"]), ("chat", "1"))
        self.assertEqual(got.headers["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        self.assertEqual(got.headers["upgrade"], "websocket")

    async def test_malformed_handshakes(self) -> None:
        await self.serve(self.echo)
        for method, headers, status in (
            ("GET", UPGRADE.replace("13", "8"), 426),
            ("GET", UPGRADE.replace(KEY, "short"), 400),
            ("GET", UPGRADE.replace(f"sec-websocket-key: {KEY}\r\n", ""), 400),
            ("GET", UPGRADE + f"sec-websocket-key: {KEY}\r\n", 400),
            ("POST", UPGRADE, 400),
            ("GET", UPGRADE + "content-length: 1\r\n", 400),
        ):
            with self.subTest(headers=headers):
                client = await self.connect()
                await client.send(request(method, headers=headers))
                got = await client.response()
                self.assertEqual(got.status, status)
                self.assertEqual("sec-websocket-version" in got.headers, status == 426)
        self.assertEqual(self.gate.running, 0)

    async def test_other_upgrades_are_ignored(self) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await answer(send, scope["type"].encode())

        await self.serve(app)
        client = await self.connect()
        for headers in ("upgrade: h2c\r\nconnection: upgrade\r\n", "upgrade: websocket\r\n"):
            self.assertEqual((await client.get(headers=headers)).body, b"http")

    async def test_denials(self) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await receive()
            if scope["path"] == "/close":
                await send({"type": "websocket.close", "code": 4000})
            elif scope["path"] == "/response":
                self.assertIn("websocket.http.response", scope["extensions"])
                await send({"type": "websocket.http.response.start", "status": 401, "headers": [(b"x-why", b"key")]})
                await send({"type": "websocket.http.response.body", "body": b"no ", "more_body": True})
                await send({"type": "websocket.http.response.body", "body": b"entry"})
            elif scope["path"] == "/fail":
                raise ValueError("boom")
            elif scope["path"] == "/half":
                await send({"type": "websocket.http.response.start", "status": 401})
                await send({"type": "websocket.http.response.body", "body": b"no ", "more_body": True})

        await self.serve(app)
        cases = (("/close", 403, b""), ("/response", 401, b"no entry"), ("/fail", 500, None), ("/", 500, None))
        for path, status, body in cases:
            with self.subTest(path=path):
                client = await self.connect()
                await client.send(request(path=path, headers=UPGRADE))
                got = await client.response()
                self.assertEqual(got.status, status)
                if body is not None:
                    self.assertEqual(got.body, body)
                self.assertEqual(await client.ended(), b"")
        client = await self.connect()
        await client.send(request(path="/half", headers=UPGRADE))
        await client.head()
        self.assertNotIn(b"0\r\n\r\n", await client.ended())
        await until(lambda: self.gate.running == 0)

    async def test_frames_sent_before_the_app_accepts(self) -> None:
        await self.serve(self.echo)
        client = await self.connect()
        await client.send(request(headers=UPGRADE) + frame(TEXT, b"early"))
        self.assertEqual((await client.response()).status, 101)
        self.assertEqual(await read_frame(client), (TEXT, b"early"))
