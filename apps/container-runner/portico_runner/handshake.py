"""The opening handshake of a WebSocket, server's side (RFC 6455 section 4.2)."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from typing import Any

from .fields import lower_name
from .head import BadRequest, Head

VERSION = b"13"
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_OURS = frozenset(
    (b"upgrade", b"connection", b"sec-websocket-accept", b"sec-websocket-protocol", b"sec-websocket-extensions")
)


def wants_websocket(head: Head) -> bool:
    """Whether the request asks to become a WebSocket; other upgrades are ignored, as HTTP allows."""
    return head.upgrade == b"websocket" and b"upgrade" in head.connection


class Handshake:
    """A valid request to open a WebSocket."""

    __slots__ = ("_key", "head")

    def __init__(self, head: Head) -> None:
        keys = head.values(b"sec-websocket-key")
        if head.method != "GET" or head.content_length or head.chunked or len(keys) != 1 or not _is_key(keys[0]):
            raise BadRequest("malformed WebSocket handshake")
        if head.values(b"sec-websocket-version") != [VERSION]:
            raise BadRequest("only version 13 of WebSocket is spoken here", 426, b"sec-websocket-version: 13\r\n")
        self.head = head
        self._key = keys[0]

    def acceptance(self, subprotocol: str | None, headers: Iterable[Any]) -> bytes:
        """The response that opens it."""
        accept = base64.b64encode(hashlib.sha1(self._key + _GUID, usedforsecurity=False).digest())
        lines = [b"HTTP/1.1 101 Switching Protocols", b"upgrade: websocket", b"connection: Upgrade"]
        lines.append(b"sec-websocket-accept: " + accept)
        if subprotocol:
            lines.append(b"sec-websocket-protocol: " + subprotocol.encode("latin-1"))
        for name, value in headers:
            lower = lower_name(bytes(name))
            if lower is None:
                raise ValueError(f"{name!r} is not the name of a header")
            if lower not in _OURS:
                lines.append(b"%b: %b" % (name, value))
        if any(b"\r" in line or b"\n" in line or b"\0" in line for line in lines):
            raise ValueError("a header of the handshake holds a line break")
        return b"\r\n".join(lines) + b"\r\n\r\n"


def _is_key(value: bytes) -> bool:
    try:
        return len(base64.b64decode(value, validate=True)) == 16
    except (binascii.Error, ValueError):
        return False
