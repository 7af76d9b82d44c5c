"""WebSocket messages and endings, after the cases of the Autobahn list that a server without extensions must pass."""

from __future__ import annotations

import asyncio
import os
import struct
from typing import Any

from portico_runner.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT
from portico_runner.messages import MAX_MESSAGE_BYTES

from .support import request, soon, until
from .websocket_support import UPGRADE, SocketCase, frame, read_frame


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
