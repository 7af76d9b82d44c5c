"""A WebSocket client byte by byte, and the test case for servers of them."""

from __future__ import annotations

import struct
from typing import Any

from portico_runner.frames import CLOSE, unmask

from .support import Client, Response, ServerCase, request

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
