"""WebSockets byte by byte, after the cases of the Autobahn list that a server without extensions must pass."""

from __future__ import annotations

import asyncio
import os
import struct
from typing import Any

from portico_runner.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, unmask
from portico_runner.messages import MAX_MESSAGE_BYTES

from .support import Client, Response, ServerCase, answer, request, soon, until

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
UPGRADE = f"upgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: {KEY}\r\n"
MASK = b"\x01\x80\xff\x33"


def frame(opcode: int, payload: bytes = b"", final: bool = True, masked: bool = True, reserved: int = 0) -> bytes:
    """A frame as a client sends it."""
    first = (0x80 if final else 0) | reserved << 4 | opcode
    size, mask_bit = len(payload), 0x80 if masked else 0
    if size < 126:
        head = bytes((first, mask_bit | size))
    elif size < 65536:
        head = bytes((first, mask_bit | 126)) + struct.pack(">H", size)
    else:
        head = bytes((first, mask_bit | 127)) + struct.pack(">Q", size)
    return head + (MASK + unmask(payload, MASK) if masked else payload)


async def read_frame(client: Client) -> tuple[int, bytes]:
    """A frame as a server sends it: whole and plain."""
    first, second = await client.exactly(2)
    assert first & 0xF0 == 0x80 and not second & 0x80
    size = second
    if size == 126:
        size = int.from_bytes(await client.exactly(2), "big")
    elif size == 127:
        size = int.from_bytes(await client.exactly(8), "big")
    return first & 0x0F, await client.exactly(size)


class SocketCase(ServerCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.events: list[dict[str, Any]] = []
        self.scopes: list[dict[str, Any]] = []

    async def echo(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        self.events.append(await receive())
        await send({"type": "websocket.accept"})
        while True:
            message = await receive()
            self.events.append(message)
            if message["type"] == "websocket.disconnect":
                return
            kind = "text" if message.get("text") is not None else "bytes"
            await send({"type": "websocket.send", kind: message[kind]})

    async def open(self, headers: str = "") -> tuple[Client, Response]:
        client = await self.connect()
        await client.send(request(headers=UPGRADE + headers))
        return client, await client.response()

    async def opened(self, app: Any = None) -> Client:
        if not self._servers:
            await self.serve(app or self.echo)
        client, response = await self.open()
        self.assertEqual(response.status, 101)
        return client

    async def closes_with(self, client: Client, code: int) -> None:
        opcode, payload = await read_frame(client)
        self.assertEqual((opcode, int.from_bytes(payload[:2], "big")), (CLOSE, code))
        self.assertEqual(await client.ended(), b"")


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


class Messages(SocketCase):
    async def test_echo_of_many_sizes(self) -> None:
        client = await self.opened()
        for size in (0, 1, 125, 126, 127, 128, 65535, 65536, 300_000, MAX_MESSAGE_BYTES):
            for opcode, payload in ((TEXT, b"*" * size), (BINARY, os.urandom(size))):
                with self.subTest(opcode=opcode, size=size):
                    reply = asyncio.ensure_future(read_frame(client))
                    await client.send(frame(opcode, payload))
                    self.assertEqual(await reply, (opcode, payload))

    async def test_frames_cut_anywhere(self) -> None:
        client = await self.opened()
        for byte in frame(TEXT, b"Hello-\xc2\xb5@\xc3\x9f\xc3\xb6\xc3\xa4\xc3\xbc\xc3\xa0\xc3\xa1-UTF-8!!"):
            await client.send(bytes((byte,)))
        self.assertEqual((await read_frame(client))[1].decode(), "Hello-µ@ßöäüàá-UTF-8!!")

    async def test_pings_are_answered_also_within_a_message(self) -> None:
        client = await self.opened()
        await client.send(frame(PING, b"a" * 125) + frame(PONG, b"unasked"))
        self.assertEqual(await read_frame(client), (PONG, b"a" * 125))
        await client.send(frame(TEXT, b"one ", final=False) + frame(PING, b"x"))
        self.assertEqual(await read_frame(client), (PONG, b"x"))
        await client.send(frame(CONTINUATION, b"", final=False) + frame(CONTINUATION, b"two"))
        self.assertEqual(await read_frame(client), (TEXT, b"one two"))

    async def test_a_character_may_be_split_over_fragments(self) -> None:
        client = await self.opened()
        text = "κόσμε€𝄞".encode()
        pieces = [text[at : at + 1] for at in range(len(text))]
        await client.send(frame(TEXT, pieces[0], final=False))
        for piece in pieces[1:-1]:
            await client.send(frame(CONTINUATION, piece, final=False))
        await client.send(frame(CONTINUATION, pieces[-1]))
        self.assertEqual(await read_frame(client), (TEXT, text))

    async def test_protocol_errors(self) -> None:
        async def fails(data: bytes, code: int) -> None:
            client = await self.opened()
            await client.send(data)
            opcode, payload = await read_frame(client)
            self.assertEqual((opcode, int.from_bytes(payload[:2], "big")), (CLOSE, code), data[:20])
            self.assertEqual(await client.ended(), b"")

        await self.serve(self.echo)
        bad_codes = (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)
        cases = (
            (frame(TEXT, b"x", masked=False), 1002),
            (frame(TEXT, b"x", reserved=1), 1002),
            (frame(TEXT, b"x", reserved=4), 1002),
            *((frame(opcode), 1002) for opcode in (3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF)),
            (frame(PING, b"x" * 126), 1002),
            (frame(PING, b"x", final=False), 1002),
            (frame(CLOSE, b"\x03\xe8", final=False), 1002),
            (frame(CONTINUATION, b"x"), 1002),
            (frame(TEXT, b"x", final=False) + frame(TEXT, b"y"), 1002),
            (frame(CLOSE, b"x"), 1002),
            *((frame(CLOSE, struct.pack(">H", bad)), 1002) for bad in bad_codes),
            (frame(CLOSE, struct.pack(">H", 1000) + b"\xff"), 1007),
            (frame(TEXT, b"\xce\xba\xed\xa0\x80"), 1007),
            (frame(TEXT, b"\xf4\x90\x80\x80"), 1007),
            (frame(TEXT, b"\xc0\xaf"), 1007),
            (frame(TEXT, b"\xce"), 1007),
            (frame(TEXT, b"\xce", final=False) + frame(CONTINUATION, b"x", final=False), 1007),
        )
        await asyncio.gather(*(fails(data, code) for data, code in cases))
        await until(lambda: self.gate.running == 0)
        self.assertEqual(sum(event["type"] == "websocket.disconnect" for event in self.events), len(cases))

    async def test_messages_over_the_limit(self) -> None:
        big = MAX_MESSAGE_BYTES + 1
        for data in (
            bytes((0x82, 0xFF)) + struct.pack(">Q", big),
            bytes((0x82, 0xFF)) + b"\xff" * 8,
            frame(BINARY, b"x" * MAX_MESSAGE_BYTES, final=False) + frame(CONTINUATION, b"x"),
        ):
            client = await self.opened()
            client.writer.write(data)
            await self.closes_with(client, 1009)
        await until(lambda: self.gate.running == 0)
        self.assertEqual(self.events[-1]["code"], 1009)

    async def test_an_app_cannot_send_over_the_limit(self) -> None:
        seen: list[Any] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await receive()
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.send", "bytes": b"x" * (MAX_MESSAGE_BYTES + 1)})
            seen.append(await receive())
            with self.assertRaises(OSError):
                await send({"type": "websocket.send", "text": "more"})

        client = await self.opened(app)
        opcode, payload = await read_frame(client)
        self.assertEqual((opcode, payload[:2]), (CLOSE, struct.pack(">H", 1009)))
        await client.send(frame(CLOSE, payload[:2]))
        self.assertEqual(await client.ended(), b"")
        self.assertEqual(seen[0]["code"], 1009)

    async def test_an_app_that_does_not_read_holds_the_peer_back(self) -> None:
        go = asyncio.Event()
        sizes: list[int] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await receive()
            await send({"type": "websocket.accept"})
            await go.wait()
            while (message := await receive())["type"] != "websocket.disconnect":
                sizes.append(len(message["bytes"]))

        client = await self.opened(app)
        client.writer.write(frame(BINARY, b"x" * 10_000) * 800)
        await until(lambda: any(each._held for server in self._servers for each in server.connections))
        await asyncio.sleep(0.02)
        self.assertGreater(client.writer.transport.get_write_buffer_size(), 6_000_000)
        go.set()
        await until(lambda: len(sizes) == 800)
        await client.send(frame(CLOSE))
        self.assertEqual(await read_frame(client), (CLOSE, b""))

    async def test_a_flood_of_pings_that_nobody_reads_fills_no_memory(self) -> None:
        client = await self.opened()
        client.reader._limit = 1  # type: ignore[attr-defined]
        connection = next(iter(self._servers[0].connections))
        for _ in range(200):
            client.writer.write(frame(PING, b"p" * 125) * 200)
            await asyncio.sleep(0)
        await until(lambda: client.writer.transport.get_write_buffer_size() == 0)
        held = connection._transport.get_write_buffer_size() + connection.outbox._held_bytes
        self.assertLess(held, 1_000_000)


class Endings(SocketCase):
    async def test_the_peer_closes(self) -> None:
        for payload, code, reason in (
            (b"", 1005, ""),
            (struct.pack(">H", 1000), 1000, ""),
            (struct.pack(">H", 4999) + b"bye \xc3\xa4", 4999, "bye ä"),
            (struct.pack(">H", 1001) + b"r" * 123, 1001, "r" * 123),
        ):
            with self.subTest(code=code):
                client = await self.opened()
                await client.send(frame(CLOSE, payload) + frame(TEXT, b"after the close"))
                self.assertEqual(await read_frame(client), (CLOSE, payload[:2]))
                self.assertEqual(await client.ended(), b"")
                await until(lambda: self.gate.running == 0)
                self.assertEqual(self.events[-1], {"type": "websocket.disconnect", "code": code, "reason": reason})

    async def test_the_app_closes_and_waits_for_the_peer(self) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await receive()
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": 4001, "reason": "ä" * 100})
            self.events.append(await receive())
            self.events.append(await receive())

        client = await self.opened(app)
        opcode, payload = await read_frame(client)
        self.assertEqual((opcode, payload[:2]), (CLOSE, struct.pack(">H", 4001)))
        self.assertEqual(payload[2:].decode(), "ä" * 61)
        await client.send(frame(TEXT, b"still on its way") + frame(CLOSE, payload[:2]))
        self.assertEqual(await client.ended(), b"")
        self.assertEqual([each["code"] for each in self.events], [4001, 4001])

    async def test_the_peer_vanishes(self) -> None:
        client = await self.opened()
        client.close()
        await until(lambda: self.gate.running == 0)
        self.assertEqual(self.events[-1]["code"], 1006)

    async def test_an_app_that_returns_or_fails(self) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await receive()
            await send({"type": "websocket.accept"})
            if (await receive())["text"] == "fail":
                raise ValueError("boom")

        await self.serve(app)
        for text, code in (("return", 1000), ("fail", 1011)):
            client = await self.opened()
            await client.send(frame(TEXT, text.encode()))
            opcode, payload = await read_frame(client)
            self.assertEqual((opcode, payload[:2]), (CLOSE, struct.pack(">H", code)))
            await client.send(frame(CLOSE, payload[:2]))
            self.assertEqual(await client.ended(), b"")
        self.assertIn("ValueError: boom", self.errors.getvalue())

    async def test_sending_to_a_peer_that_has_left_raises(self) -> None:
        ended = asyncio.Event()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await receive()
            await send({"type": "websocket.accept"})
            try:
                while True:
                    await send({"type": "websocket.send", "text": "tick"})
                    await asyncio.sleep(0)
            finally:
                ended.set()

        client = await self.opened(app)
        client.close()
        await soon(ended.wait())
        await until(lambda: self.gate.running == 0)
        self.assertEqual(self.errors.getvalue(), "")

    async def test_one_slot_for_the_whole_connection(self) -> None:
        await self.serve(self.echo, limit=1)
        client = await self.opened()
        other = await self.connect()
        await other.send(request(headers=UPGRADE))
        got = await other.response()
        self.assertEqual((got.status, got.headers["portico-busy"]), (503, "1"))
        await client.send(frame(CLOSE))
        await until(lambda: self.gate.running == 0)
        await self.opened()

    async def test_an_open_socket_lives_on_in_a_drain_and_is_told_when_it_is_cut(self) -> None:
        client = await self.opened()
        self.gate.start_draining()
        self.assertFalse(await self.gate.drained(0.05))
        await client.send(frame(TEXT, b"alive"))
        self.assertEqual(await read_frame(client), (TEXT, b"alive"))
        await self.gate.cut()
        opcode, payload = await read_frame(client)
        self.assertEqual((opcode, payload[:2]), (CLOSE, struct.pack(">H", 1012)))

    async def test_messages_out_of_order_fail(self) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await receive()
            if scope["path"] == "/send":
                await send({"type": "websocket.send", "text": "before accept"})
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.accept"})

        await self.serve(app)
        client = await self.connect()
        await client.send(request(path="/send", headers=UPGRADE))
        self.assertEqual((await client.response()).status, 500)
        client = await self.opened()
        self.assertEqual((await read_frame(client))[1][:2], struct.pack(">H", 1011))
