"""Parsing of a request head. The peer is the router, which is strict already; this checks framing again."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

MAX_HEAD_BYTES = 128 * 1024

PRIVATE_PREFIX = b"portico-"
TOKEN = frozenset(b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")


class BadRequest(Exception):
    """The bytes are not a request that can be served; the connection ends."""


@dataclass(slots=True)
class Head:
    """A request line and its headers, names in lower case, private headers taken out."""

    method: str
    target: bytes
    headers: list[tuple[bytes, bytes]]
    private: dict[bytes, bytes] = field(default_factory=dict)
    content_length: int | None = None
    chunked: bool = False
    keep_alive: bool = True
    expects_continue: bool = False
    upgrade: bytes = b""
    http_version: str = "1.1"

    @property
    def raw_path(self) -> bytes:
        return self.target.partition(b"?")[0]

    @property
    def path(self) -> str:
        return unquote_to_bytes(self.raw_path).decode("utf-8", "replace")

    @property
    def query_string(self) -> bytes:
        return self.target.partition(b"?")[2]


def parse_head(data: bytes) -> Head:
    """Parses everything before the empty line."""
    lines = data.split(b"\r\n")
    parts = lines[0].split(b" ")
    if len(parts) != 3 or not parts[2].startswith(b"HTTP/1."):
        raise BadRequest("malformed request line")
    head = Head(parts[0].decode("ascii", "strict"), parts[1], [], http_version=parts[2][5:].decode("ascii"))
    head.keep_alive = parts[2] == b"HTTP/1.1"
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        if not colon or not name or not TOKEN.issuperset(name) or b"\n" in value or b"\r" in value:
            raise BadRequest("malformed header")
        _take(head, name.lower(), value.strip(b" \t"))
    if head.chunked and head.content_length is not None:
        raise BadRequest("both content-length and transfer-encoding")
    return head


def _take(head: Head, name: bytes, value: bytes) -> None:
    if name.startswith(PRIVATE_PREFIX):
        head.private[name] = value
        return
    if name == b"content-length":
        if not value.isdigit() or head.content_length is not None:
            raise BadRequest("malformed content-length")
        head.content_length = int(value)
    elif name == b"transfer-encoding":
        if value.lower() != b"chunked" or head.chunked:
            raise BadRequest("unknown transfer-encoding")
        head.chunked = True
    elif name == b"connection":
        tokens = [token.strip() for token in value.lower().split(b",")]
        if b"close" in tokens:
            head.keep_alive = False
        elif b"keep-alive" in tokens:
            head.keep_alive = True
    elif name == b"expect":
        head.expects_continue = value.lower() == b"100-continue"
    elif name == b"upgrade":
        head.upgrade = value.lower()
    head.headers.append((name, value))
