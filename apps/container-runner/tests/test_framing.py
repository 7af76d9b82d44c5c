"""Request bodies: where they end, however the bytes arrive."""

from __future__ import annotations

import unittest

from portico_runner.framing import MAX_CHUNK_LINE_BYTES, MAX_TRAILER_BYTES, framing_of
from portico_runner.head import BadRequest

CHUNKED = b'5\r\nhello\r\n1;name="a b"\r\n \r\n005\r\nworld\r\n0\r\ntrailer: x\r\n\r\n'


def feed_all(data: bytes, step: int, chunked: bool = True, length: int | None = None) -> tuple[bytes, bytes, bool]:
    framing = framing_of(length, chunked)
    body, rest = b"", b""
    for at in range(0, len(data), step):
        piece = data[at : at + step]
        if framing.done:
            rest += piece
        else:
            more, left = framing.feed(piece)
            body += more
            rest += left
    return body, rest, framing.done


class Framing(unittest.TestCase):
    def test_a_chunked_body_may_be_cut_anywhere(self) -> None:
        for step in range(1, len(CHUNKED) + 5):
            with self.subTest(step=step):
                self.assertEqual(feed_all(CHUNKED + b"GET /", step), (b"hello world", b"GET /", True))

    def test_a_body_of_known_length_leaves_what_follows(self) -> None:
        for step in range(1, 12):
            with self.subTest(step=step):
                self.assertEqual(feed_all(b"helloGET /", step, chunked=False, length=5), (b"hello", b"GET /", True))

    def test_no_length_and_no_chunks_is_no_body(self) -> None:
        self.assertTrue(framing_of(None, False).done)
        self.assertTrue(framing_of(0, False).done)
        self.assertFalse(framing_of(None, True).done)

    def test_malformed_chunks(self) -> None:
        for data in (
            b"\r\n",
            b"x\r\n",
            b"-1\r\n",
            b"+1\r\n",
            b"0x1\r\n",
            b"1_0\r\n",
            b" 1\r\n",
            b";ext\r\n",
            b"1\na\r\n",
            b"1\r\nab\r\n",
            b"1\r\na\n",
            b"1\r\na\rb\n",
            b"1;a\rb\r\n",
            b"f" * 16 + b"\r\n",
            b"1" * (MAX_CHUNK_LINE_BYTES + 1),
            b"0\r\n" + b"t: x\r\n" * MAX_TRAILER_BYTES,
        ):
            for step in (1, len(data)):
                with self.subTest(data=data[:20], step=step), self.assertRaises(BadRequest):
                    feed_all(data, step)
