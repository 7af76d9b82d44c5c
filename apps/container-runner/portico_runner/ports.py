"""Programs of the user that listen on a port of their own (`@modal.web_server`)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

LOOPBACK = "127.0.0.1"
POLL_SECONDS = 0.02
_ESTABLISHED = "01"
_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")


def address_or_loopback(stock: Callable[[bytes], str]) -> Callable[[bytes], str]:
    """The address of eth0; a container without a network has only its loopback."""

    def get_ip_address(interface: bytes) -> str:
        try:
            return stock(interface)
        except OSError:
            return LOOPBACK

    return get_ip_address


def clear_about_loopback(stock: Callable[..., None]) -> Callable[..., None]:
    """Waits for the port as the client does; says what is wrong when it never opens."""

    def wait_for_web_server(host: str, port: int, *, timeout: float) -> None:
        try:
            stock(host, port, timeout=timeout)
        except TimeoutError as error:
            raise TimeoutError(_why_not(host, port, timeout)) from error

    return wait_for_web_server


def _why_not(host: str, port: int, timeout: float) -> str:
    if host != LOOPBACK and _accepts(LOOPBACK, port):
        return (
            f"The web server listens on {LOOPBACK}:{port} only, where nobody outside of the container reaches it. "
            "Bind it to 0.0.0.0 instead of 127.0.0.1 or localhost."
        )
    return (
        f"Nothing listened on port {port} within {timeout:g} seconds. Check that the web server starts and uses this "
        "port, bind it to 0.0.0.0, or raise `startup_timeout`."
    )


def _accepts(host: str, port: int) -> bool:
    with suppress(OSError), socket.create_connection((host, port), timeout=1.0):
        return True
    return False


async def until_unused(port: int, seconds_left: Callable[[], float]) -> bool:
    """Waits until nobody is connected to the port any more; False when the time was not enough."""
    while count_connections(port):
        if not seconds_left():
            return False
        await asyncio.sleep(POLL_SECONDS)
    return True


def count_connections(port: int) -> int:
    """Established TCP connections whose local end is this port, in this network namespace."""
    return sum(_count_in(table, f":{port:04X}") for table in _TABLES)


def _count_in(table: str, suffix: str) -> int:
    try:
        with open(table, encoding="ascii") as lines:
            next(lines, None)
            fields: Any = (line.split(None, 4) for line in lines)
            return sum(1 for field in fields if field[1].endswith(suffix) and field[3] == _ESTABLISHED)
    except OSError:
        return 0
