"""A client of HTTP/2 over plain TCP that does only what it is told: frames are written as asked, windows are never opened on their own."""

import asyncio
import struct

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, END_HEADERS, ACK = 1, 4, 1
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
STATUSES = {0x88: 200, 0x89: 204, 0x8A: 206, 0x8B: 304, 0x8C: 400, 0x8D: 404, 0x8E: 500}
HUFFMAN_DIGITS = {"00000": "0", "00001": "1", "00010": "2", "011001": "3", "011010": "4", "011011": "5", "011100": "6", "011101": "7", "011110": "8", "011111": "9"}


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def literal(name, value):
    """A field without index and without Huffman codes (RFC 7541 §6.2.2)."""
    def text(data):
        length = len(data)
        if length < 127:
            return bytes([length]) + data
        out, rest = bytearray([127]), length - 127
        while rest >= 128:
            out.append(rest % 128 + 128)
            rest //= 128
        out.append(rest)
        return bytes(out) + data

    return b"\0" + text(name.encode()) + text(value.encode())


def request_fields(path, method="GET", more=()):
    fields = [(":method", method), (":scheme", "http"), (":path", path), (":authority", "a"), *more]
    return b"".join(literal(name, value) for name, value in fields)


def status_of(block):
    """The status at the start of a block of fields; 0 if it stands there in a form that is not read here."""
    while block and block[0] & 0xE0 == 0x20:
        block = block[1:]
    if not block:
        return 0
    if block[0] in STATUSES:
        return STATUSES[block[0]]
    if block[0] & 0x3F in range(8, 15) and len(block) > 2 and block[0] < 0x80:
        length = block[1] & 0x7F
        value = block[2: 2 + length]
        if not block[1] & 0x80:
            return int(value) if value.isdigit() else 0
        bits, text = "".join(f"{byte:08b}" for byte in value), ""
        while len(text) < 3:
            for width in (5, 6):
                if bits[:width] in HUFFMAN_DIGITS:
                    text += HUFFMAN_DIGITS[bits[:width]]
                    bits = bits[width:]
                    break
            else:
                return 0
        return int(text)
    return 0


class Client:
    """One connection. `streams` has what came for each: [status, bytes, how it ended]."""

    def __init__(self):
        self.streams, self.next_stream = {}, 1
        self.goaway = self.closed = False
        self.settings = {}

    async def connect(self, host, port, source=None, window=65_535, connection_window=(1 << 31) - 1):
        local = (source, 0) if source else None
        self.reader, self.writer = await asyncio.open_connection(host, port, local_addr=local)
        # No table of fields, so that a status is always read where it stands.
        self.writer.write(PREFACE + frame(SETTINGS, 0, 0, struct.pack(">HIHI", 1, 0, 4, window)))
        if connection_window > 65_535:
            self.writer.write(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", connection_window - 65_535)))
        self.reading = asyncio.ensure_future(self.read())
        return self

    def get(self, path, method="GET", more=(), end=True):
        stream, self.next_stream = self.next_stream, self.next_stream + 2
        self.streams[stream] = [0, 0, ""]
        self.write(frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, request_fields(path, method, more)))
        return stream

    def open_window(self, stream, count):
        self.write(frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", count)))

    def reset(self, stream):
        self.write(frame(RST_STREAM, 0, stream, struct.pack(">I", 8)))

    def write(self, data):
        if not self.closed and not self.writer.transport.is_closing():
            self.writer.write(data)

    async def read(self):
        try:
            while True:
                head = await self.reader.readexactly(9)
                length = int.from_bytes(head[:3], "big")
                kind, flags = head[3], head[4]
                stream = int.from_bytes(head[5:], "big") & 0x7FFFFFFF
                payload = await self.reader.readexactly(length)
                self.take(kind, flags, stream, payload)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            self.closed = True

    def take(self, kind, flags, stream, payload):
        entry = self.streams.setdefault(stream, [0, 0, ""]) if stream else None
        if kind == DATA:
            entry[1] += len(payload)
        elif kind == HEADERS and not entry[0]:
            entry[0] = status_of(payload)
        elif kind == RST_STREAM:
            entry[2] = f"reset {int.from_bytes(payload, 'big')}"
        elif kind == SETTINGS and not flags & ACK:
            for at in range(0, len(payload), 6):
                key, value = struct.unpack(">HI", payload[at: at + 6])
                self.settings[key] = value
            self.write(frame(SETTINGS, ACK, 0))
        elif kind == PING and not flags & ACK:
            self.write(frame(PING, ACK, 0, payload))
        elif kind == GOAWAY:
            self.goaway = True
        if kind in (DATA, HEADERS) and flags & END_STREAM:
            entry[2] = "end"

    def close(self):
        self.closed = True
        self.reading.cancel()
        self.writer.close()
