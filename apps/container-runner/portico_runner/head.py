"""Parsing of a request head. The peer is the router, which is strict already; framing is checked here again."""

from __future__ import annotations

import re
from collections.abc import Callable

from .fields import lower_name

MAX_HEAD_BYTES = 128 * 1024
MAX_LENGTH_DIGITS = 18
PRIVATE_PREFIX = b"portico-"

_CONTROLS = bytes(code for code in range(0x20) if code not in b"\t\r\n") + b"\x7f"
_LINE_END = b"\r\n"
_method = re.compile(rb"[A-Z!#$%&'*+\-.^_`|~0-9a-z]+").fullmatch
_not_ascii = re.compile(rb"[\x80-\xff]")


class BadRequest(Exception):
    """The bytes are not a request that can be served; the connection ends with this answer."""

    def __init__(self, text: str, status: int = 400, extra: bytes = b"") -> None:
        super().__init__(text)
        self.status = status
        self.extra = extra


class Head:
    """A request line and its headers, names in lower case, private headers taken out."""

    __slots__ = (
        "chunked",
        "connection",
        "content_length",
        "expects_continue",
        "headers",
        "host",
        "method",
        "private",
        "target",
        "upgrade",
    )

    def __init__(self, method: str, target: bytes) -> None:
        self.method = method
        self.target = target
        self.headers: list[tuple[bytes, bytes]] = []
        self.private: dict[bytes, bytes] = {}
        self.content_length: int | None = None
        self.chunked = False
        self.connection: tuple[bytes, ...] = ()
        self.expects_continue = False
        self.upgrade = b""
        self.host: bytes | None = None

    @property
    def keep_alive(self) -> bool:
        return b"close" not in self.connection

    def values(self, name: bytes) -> list[bytes]:
        """All values of one header, in order."""
        return [value for key, value in self.headers if key == name]


def parse_head(data: bytes) -> Head:
    """Parses everything before the empty line."""
    lines = data.split(_LINE_END)
    breaks = len(lines) - 1
    if data.count(b"\n") != breaks or data.count(b"\r") != breaks or len(data.translate(None, _CONTROLS)) != len(data):
        raise BadRequest("control character in the request head")
    head = _request_line(lines[0])
    headers = head.headers
    for line in lines[1:]:
        raw, colon, value = line.partition(b":")
        name = lower_name(raw)
        if not colon or name is None:
            raise BadRequest("malformed header")
        value = value.strip(b" \t")
        if name.startswith(PRIVATE_PREFIX):
            head.private[name] = value
            continue
        take = _SPECIAL.get(name)
        if take is not None:
            take(head, value)
        headers.append((name, value))
    if head.chunked and head.content_length is not None:
        raise BadRequest("both content-length and transfer-encoding")
    if head.host is None:
        raise BadRequest("host is missing")
    return head


def _request_line(line: bytes) -> Head:
    parts = line.split(b" ")
    if len(parts) != 3 or not _method(parts[0]):
        raise BadRequest("malformed request line")
    method, target, version = parts
    if version != b"HTTP/1.1":
        raise BadRequest("only HTTP/1.1 is spoken here", 505)
    if not target.startswith(b"/") and not (target == b"*" and method == b"OPTIONS"):
        raise BadRequest("malformed request target")
    if not target.isascii():
        # Frameworks take ASCII for granted; what a lenient client sent raw is the same thing escaped.
        target = _not_ascii.sub(lambda found: b"%%%02X" % found[0][0], target)
    return Head(method.decode("ascii"), target)


def _content_length(head: Head, value: bytes) -> None:
    if not value.isdigit() or len(value) > MAX_LENGTH_DIGITS or head.content_length is not None:
        raise BadRequest("malformed content-length")
    head.content_length = int(value)


def _transfer_encoding(head: Head, value: bytes) -> None:
    if value.lower() != b"chunked" or head.chunked:
        raise BadRequest("unknown transfer-encoding")
    head.chunked = True


def _connection(head: Head, value: bytes) -> None:
    head.connection += tuple(token.strip() for token in value.lower().split(b","))


def _expect(head: Head, value: bytes) -> None:
    if value.lower() != b"100-continue":
        raise BadRequest("unknown expectation", 417)
    head.expects_continue = True


def _host(head: Head, value: bytes) -> None:
    if head.host is not None:
        raise BadRequest("more than one host")
    head.host = value


def _upgrade(head: Head, value: bytes) -> None:
    head.upgrade = value.lower()


_SPECIAL: dict[bytes, Callable[[Head, bytes], None]] = {
    b"content-length": _content_length,
    b"transfer-encoding": _transfer_encoding,
    b"connection": _connection,
    b"expect": _expect,
    b"host": _host,
    b"upgrade": _upgrade,
}
