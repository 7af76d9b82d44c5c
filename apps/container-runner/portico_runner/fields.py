"""Names of header fields: checked once, then remembered, since the same few come with every message."""

from __future__ import annotations

import re

_token = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
_REMEMBERED_MAX = 4096
_known: dict[bytes, bytes] = {}


def lower_name(name: bytes) -> bytes | None:
    """The name in lower case; None if it is not a token of RFC 9110."""
    lower = _known.get(name)
    if lower is None and _token(name):
        lower = name.lower()
        if len(_known) < _REMEMBERED_MAX:
            _known[name] = lower
    return lower
