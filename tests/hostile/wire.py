"""HTTP/1.1 on asyncio, both sides: a publisher that answers what a table says, and one request of a client."""

import asyncio
import time


class Publisher:
    """Answers `handler(path, head) -> (status, type, body)`; `None` leaves the connection to nobody.

    A handler may be a coroutine that writes to the connection on its own and returns None.
    """

    def __init__(self, handler):
        self.handler = handler
        self.asked = 0

    async def start(self, host="127.0.0.1", port=0):
        self.server = await asyncio.start_server(self.serve, host, port, backlog=4096, limit=1 << 17)
        self.port = self.server.sockets[0].getsockname()[1]
        self.address = f"{host}:{self.port}"
        return self

    async def serve(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                self.asked += 1
                path = head.split(" ", 2)[1]
                answer = self.handler(path, head, reader, writer)
                if asyncio.iscoroutine(answer):
                    answer = await answer
                if answer is None:
                    return
                status, kind, body = answer
                length = f"Content-Length: {len(body)}\r\n"
                writer.write(f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\n{length}\r\n".encode() + body)
                await writer.drain()
                if "connection: close" in head.lower():
                    return
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


class Answer:
    def __init__(self, status, head, body, seconds):
        self.status, self.head, self.body, self.seconds = status, head, body, seconds


async def get(port, path, forwarded="203.0.113.9", timeout=60.0, host="127.0.0.1", source=None):
    """One request on a connection of its own. Status 0: the connection broke; -1: no end within `timeout`."""
    begun = time.monotonic()
    writer = None
    try:
        async with asyncio.timeout(timeout):
            local = (source, 0) if source else None
            reader, writer = await asyncio.open_connection(host, port, limit=1 << 20, local_addr=local)
            head = f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
            if forwarded:
                head += f"X-Forwarded-For: {forwarded}\r\n"
            writer.write((head + "\r\n").encode())
            answer = await reader.read(-1)
        head, _, body = answer.partition(b"\r\n\r\n")
        status = int(head.split()[1]) if head.startswith(b"HTTP/") else 0
        return Answer(status, head.decode("latin-1"), body, time.monotonic() - begun)
    except TimeoutError:
        return Answer(-1, "", b"", time.monotonic() - begun)
    except (OSError, ValueError, asyncio.IncompleteReadError):
        return Answer(0, "", b"", time.monotonic() - begun)
    finally:
        if writer:
            writer.close()
