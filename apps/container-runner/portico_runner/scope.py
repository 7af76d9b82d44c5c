"""The ASGI connection scope of a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from .head import Head

Scope = dict[str, Any]

# 2.3: sending to a caller who has left is silently ignored, as with the servers people know.
_ASGI = {"version": "3.0", "spec_version": "2.3"}
_DEFAULT_PORTS = {"http": 80, "https": 443}
_WEBSOCKET_SCHEMES = {"http": "ws", "https": "wss"}
_NO_CLIENT = ("127.0.0.1", 0)


def http_scope(head: Head, state: Mapping[str, Any]) -> Scope:
    """The scope of an HTTP request; `state` is what the app's lifespan left, copied shallowly."""
    scope = _common(head, "http", _scheme(head), state)
    scope["method"] = head.method
    scope["extensions"] = {"http.response.trailers": {}}
    return scope


def websocket_scope(head: Head, state: Mapping[str, Any]) -> Scope:
    """The scope of a WebSocket, with the sub-protocols that the peer offers."""
    scope = _common(head, "websocket", _WEBSOCKET_SCHEMES[_scheme(head)], state)
    offered = b",".join(head.values(b"sec-websocket-protocol"))
    scope["subprotocols"] = [part.strip().decode("latin-1") for part in offered.split(b",") if part.strip()]
    scope["extensions"] = {"websocket.http.response": {}}
    return scope


def _common(head: Head, kind: str, scheme: str, state: Mapping[str, Any]) -> Scope:
    raw_path, _, query = head.target.partition(b"?")
    path = unquote_to_bytes(raw_path) if b"%" in raw_path else raw_path
    return {
        "type": kind,
        "asgi": dict(_ASGI),
        "http_version": "1.1",
        "scheme": scheme,
        "path": path.decode("utf-8", "replace"),
        "raw_path": raw_path,
        "query_string": query,
        "root_path": "",
        "headers": head.headers,
        "client": _client(head),
        "server": _server(head, scheme),
        "state": dict(state),
    }


def _scheme(head: Head) -> str:
    named = head.private.get(b"portico-scheme")
    if named is None:
        named = next(iter(head.values(b"x-forwarded-proto")), b"")
    return "https" if named == b"https" else "http"


def _client(head: Head) -> tuple[str, int]:
    """Never None: the client's own web_server proxy indexes it."""
    host, _, port = head.private.get(b"portico-client-address", b"").decode("latin-1").rpartition(":")
    if not host or not port.isdigit():
        return _NO_CLIENT
    return host.strip("[]"), int(port)


def _server(head: Head, scheme: str) -> tuple[str, int]:
    authority = (head.host or b"").decode("latin-1")
    host, colon, port = authority.rpartition(":")
    if colon and port.isdigit() and not host.endswith(":"):
        return host.strip("[]"), int(port)
    return authority.strip("[]"), _DEFAULT_PORTS.get(scheme, 443 if scheme == "wss" else 80)
