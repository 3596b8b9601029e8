"""The publisher of `load`, in a process of its own: large objects, slow ones, answers that never begin, uploads.

`/stats` says how many exchanges of each kind are open now. With `names`, also a server of names on 127.0.0.53:53 that
knows `good.example` and leaves every other question without an answer; what another client asks for comes from such
a process, so that the attack slows nothing but the service.

usage (inside): load_publisher.py PORT [names]
"""

import asyncio
import json
import logging
import os
import struct
import sys

import make_png
from wire import Publisher

BIG = 31 << 20
PIECE = os.urandom(1 << 16)
FEED = b"<rss version='2.0'><channel><title>t</title><link>http://e.org/</link><item><guid>1</guid><title>x</title></item></channel></rss>"
open_now = {}


class Names(asyncio.DatagramProtocol):
    asked = 0

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, peer):
        Names.asked += 1
        if b"\x04good\x07example\0" not in data.lower():
            return
        question_end = data.index(b"\0", 12) + 5
        is_a = data[question_end - 4: question_end - 2] == b"\0\1"
        answers = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1" if is_a else b""
        self.transport.sendto(data[:2] + b"\x81\x80\0\1" + struct.pack(">H", int(is_a)) + bytes(4) + data[12:question_end] + answers, peer)


async def whole(writer, length, pause=0.0, kind="application/octet-stream", begin=b"", quick=0):
    """So many bytes, the first `quick` of them at once and a piece every `pause` seconds from there on."""
    head = f"HTTP/1.1 200 X\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nCache-Control: max-age=3600\r\n\r\n"
    writer.write(head.encode() + begin)
    sent = len(begin)
    while sent < length:
        piece = PIECE[: min(len(PIECE), length - sent)]
        writer.write(piece)
        sent += len(piece)
        await writer.drain()
        if pause and sent > quick:
            await asyncio.sleep(pause)


async def flood(writer):
    """Interim answers without an end."""
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n" * 50
    while True:
        writer.write(interim)
        await writer.drain()
        await asyncio.sleep(0.001)


async def bytewise(writer, count):
    """A feed in chunks of one byte."""
    writer.write(b"HTTP/1.1 200 X\r\nContent-Type: application/rss+xml\r\nTransfer-Encoding: chunked\r\n\r\n")
    writer.write(b"%x\r\n%s\r\n" % (len(FEED) - 16, FEED[:-16]))
    for _ in range(count // 1000):
        writer.write(b"1\r\n \r\n" * 1000)
        await writer.drain()
    writer.write(b"10\r\n" + FEED[-16:] + b"\r\n0\r\n\r\n")
    await writer.drain()


async def upload(reader, writer, head):
    if "100-continue" in head.lower():
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    while await reader.read(1 << 16):
        pass


async def header_flood(writer):
    writer.write(b"HTTP/1.1 200 X\r\n")
    for i in range(1_000_000):
        writer.write(f"X-{i}: {'y' * 50}\r\n".encode())
        if i % 100 == 0:
            await writer.drain()


def answer(path, head, reader, writer):
    kind = path.split("/")[1].split("?")[0]
    if kind == "stats":
        return 200, "application/json", json.dumps({**open_now, "names": Names.asked}).encode()
    if kind == "good.png":
        return 200, "image/png", make_png.noisy(64, 48)
    if kind in ("feed", "named"):
        return 200, "application/rss+xml", FEED
    if kind == "mega":
        return 200, "application/octet-stream\r\nCache-Control: max-age=3600", PIECE * 16
    png = make_png.noisy(640, 480)
    work = {
        "big": lambda: whole(writer, BIG),
        "slow": lambda: whole(writer, 20 << 20, 3.0, "image/png", png, 1 << 19),
        "flood": lambda: flood(writer),
        "bytewise": lambda: bytewise(writer, 4 << 20),
        "upload": lambda: upload(reader, writer, head),
        "never": lambda: asyncio.sleep(600),
        "fields": lambda: header_flood(writer),
    }.get(kind)
    return counted(kind, work()) if work else (404, "text/plain", b"")


async def counted(kind, work):
    open_now[kind] = open_now.get(kind, 0) + 1
    try:
        await work
    finally:
        open_now[kind] -= 1


async def main(port, names):
    loop = asyncio.get_running_loop()
    if names:
        await loop.create_datagram_endpoint(Names, local_addr=("127.0.0.53", 53))
    await Publisher(answer).start("127.0.0.1", port)
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    asyncio.run(main(int(sys.argv[1]), "names" in sys.argv))
