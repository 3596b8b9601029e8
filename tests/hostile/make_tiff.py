"""TIFF, BMP and ICO from their fields; and hostile ones."""

import struct
import zlib

import make_png

SHORT, LONG, RATIONAL, LONG8 = 3, 4, 5, 16


def tiff(entries, tail=b"", next_directory=0, count=None):
    """One directory of (tag, type, count, value) and what follows it. Offsets are from the start."""
    entries = sorted(entries)
    body = b"II*\0\x08\0\0\0" + struct.pack("<H", count or len(entries))
    body += b"".join(struct.pack("<HHII", *entry) for entry in entries) + struct.pack("<I", next_directory)
    return body + tail


def strips(width, height, compression, data, samples=1, bits=8, rows=None, more=()):
    """An image in one strip, or in strips that all are the same bytes."""
    rows = rows or height
    number = (height + rows - 1) // rows
    base = [(256, LONG, 1, width), (257, LONG, 1, height), (258, SHORT, 1, bits), (259, SHORT, 1, compression),
            (262, SHORT, 1, 1 if samples == 1 else 2), (277, SHORT, 1, samples), (278, LONG, 1, rows), *more]
    at = 8 + 2 + 12 * (len(base) + 2) + 4
    if number == 1:
        where = [(273, LONG, 1, at), (279, LONG, 1, len(data))]
        return tiff(base + where, data)
    offsets = struct.pack("<I", at + number * 8) * number
    lengths = struct.pack("<I", len(data)) * number
    where = [(273, LONG, number, at), (279, LONG, number, at + number * 4)]
    return tiff(base + where, offsets + lengths + data)


def lzw(count):
    """TIFF's LZW of zeros: most significant bit first, early change."""
    value = bits = 0
    out = bytearray()

    def put(code, size):
        nonlocal value, bits
        value = value << size | code
        bits += size
        while bits >= 8:
            out.append(value >> bits - 8 & 0xFF)
            bits -= 8
            value &= (1 << bits) - 1

    left = count
    while left > 0:
        put(256, 9)
        size, following, run = 9, 258, 1
        first = True
        while left > 0 and following < 4093:
            take = min(run, left)
            put(0 if take == 1 else 258 + take - 2, size)
            left -= take
            if not first:
                following += 1
            first = False
            if following + 1 >= (1 << size) and size < 12:
                size += 1
            run += 1
        if left > 0 and size < 12:
            size = 12
        if left <= 0:
            put(257, size)
            return bytes(out) + bytes([value << 8 - bits & 0xFF])
        put(256, size)
        size = 9
    return bytes(out)


def packbits(count):
    return b"\x81\0" * (count // 128 + 1)


def tiffs():
    yield "deflate-400m", strips(100, 100, 8, make_png.zeros(400 << 20))
    yield "deflate-70mp", strips(8_400, 8_400, 8, make_png.zeros(8_400 * 8_400))
    yield "deflate-70mp-rgb16", strips(8_400, 8_400, 8, make_png.zeros(8_400 * 8_400 * 6), 3, 16)
    yield "lzw-70mp", strips(8_400, 8_400, 5, lzw(8_400 * 8_400))
    yield "packbits-70mp", strips(8_400, 8_400, 32773, packbits(8_400 * 8_400))
    yield "strips-shared", strips(8_000, 8_000, 8, make_png.zeros(8_000), rows=1)
    yield "too-large", strips(100_000, 100_000, 8, make_png.zeros(1 << 20))
    yield "4g", strips(0xFFFFFFFF, 0xFFFFFFFF, 1, bytes(9))
    yield "rows-0", strips(8_000, 8_000, 8, make_png.zeros(64_000_000), more=[(278, LONG, 1, 0)])
    yield "samples-65535", strips(1_000, 1_000, 1, bytes(999), 65_535)
    yield "bits-64", strips(3_000, 3_000, 8, make_png.zeros(3_000 * 3_000 * 8), 1, 64, more=[(339, SHORT, 1, 3)])
    yield "directory-loop", tiff([(256, LONG, 1, 9), (257, LONG, 1, 9)], next_directory=8)
    yield "directories", b"II*\0\x08\0\0\0" + b"".join(
        struct.pack("<H", 1) + struct.pack("<HHII", 256, 4, 1, 9) + struct.pack("<I", 8 + 18 * (i + 1)) for i in range(100_000))
    yield "entries-65535", tiff([(300, SHORT, 1, 1)] * 65_535)
    yield "value-4g", tiff([(256, LONG, 1, 9), (257, LONG, 1, 9), (273, LONG, 0x3FFFFFFF, 8), (279, LONG, 0x3FFFFFFF, 8)])
    yield "icc-4g", strips(10, 10, 1, bytes(100), more=[(34675, 7, 0xFFFFFFF0, 8)])
    tile = make_png.zeros(60_000 * 60_000 // 40)
    yield "tile-huge", tiff([(256, LONG, 1, 10), (257, LONG, 1, 10), (258, SHORT, 1, 8), (259, SHORT, 1, 8), (262, SHORT, 1, 1),
                             (277, SHORT, 1, 1), (322, LONG, 1, 60_000), (323, LONG, 1, 60_000), (324, LONG, 1, 134), (325, LONG, 1, len(tile))], tile)
    yield "jpeg-lie", strips(8_000, 8_000, 7, b"\xff\xd8\xff\xd9")


def bmp_head(width, height, bits, compression, offset=54):
    return (b"BM" + struct.pack("<IHHI", 0, 0, 0, offset)
            + struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, 0, 0, 0, 0, 0))


def bmps():
    palette = bytes(1024)
    yield "70mp-cut", bmp_head(8_400, 8_400, 24, 0) + bytes(999)
    yield "claims-4g", bmp_head(0x7FFFFFFF, 0x7FFFFFFF, 32, 0) + bytes(99)
    yield "negative", bmp_head(8_000, -8_000, 32, 0) + bytes(99)
    yield "minimum", bmp_head(-0x80000000, -0x80000000, 32, 0) + bytes(99)
    yield "rle8-70mp", bmp_head(8_400, 8_400, 8, 1, 54 + 1024) + palette + (b"\xff\1" * 32 + b"\xf0\1\0\0") * 8_400 + b"\0\1"
    yield "rle8-skips", bmp_head(8_000, 8_000, 8, 1, 54 + 1024) + palette + b"\0\2\xff\xff" * 1_000_000 + b"\0\1"
    yield "rle8-ends", bmp_head(8_000, 8_000, 8, 1, 54 + 1024) + palette + b"\0\0" * 2_000_000 + b"\0\1"
    yield "rle4-zero", bmp_head(8_000, 8_000, 4, 2, 54 + 64) + palette[:64] + b"\0\1"
    yield "1bit", bmp_head(60_000, 1_100, 1, 0, 62) + bytes(8 + 60_000 // 8 * 1_100)
    yield "palette-lie", b"BM" + struct.pack("<IHHI", 0, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, 9, 9, 1, 8, 0, 0, 0, 0, 0x7FFFFFFF, 0)
    yield "header-lie", b"BM" + struct.pack("<IHHI", 0, 0, 0, 0xFFFFFFFF) + struct.pack("<I", 0xFFFFFFFF) + bytes(200)
    yield "masks", bmp_head(8_000, 8_000, 32, 3) + struct.pack("<III", 0xFFFFFFFF, 0, 1) + bytes(999)


def ico(images, claims=None):
    head = struct.pack("<HHH", 0, 1, claims or len(images))
    at = 6 + 16 * len(images)
    entries, body = b"", b""
    for data in images:
        entries += struct.pack("<BBBBHHII", 0, 0, 0, 0, 1, 32, len(data), at + len(body))
        body += data
    return head + entries + body


def icos():
    bomb = make_png.flat(8_400, 8_400)
    yield "png-70mp", ico([bomb])
    yield "png-many", ico([bomb] * 40)
    shared = struct.pack("<BBBBHHII", 0, 0, 0, 0, 1, 32, len(bomb), 6 + 16 * 65_535)
    yield "png-shared-65535", struct.pack("<HHH", 0, 1, 65_535) + shared * 65_535 + bomb
    yield "png-iccp", ico([make_png.flat(10, 10, 8, 2, make_png.chunk(b"iCCP", b"p\0\0" + make_png.zeros(300 << 20)))])
    yield "png-16bit", ico([make_png.flat(8_400, 8_400, 16, 6)])
    yield "bmp-lie", ico([struct.pack("<IiiHHIIiiII", 40, 8_400, 16_800, 1, 32, 0, 0, 0, 0, 0, 0) + bytes(99)])
    yield "bmp-4g", ico([struct.pack("<IiiHHIIiiII", 40, 0x7FFFFFFF, 0x7FFFFFFF, 1, 1, 0, 0, 0, 0, 0, 0) + bytes(99)])
    yield "claims", ico([make_png.noisy(8, 8)], 65_535)
    yield "offsets", struct.pack("<HHH", 0, 1, 2) + struct.pack("<BBBBHHII", 8, 8, 0, 0, 1, 32, 0xFFFFFFFF, 0xFFFFFFFF) * 2
    yield "itself", struct.pack("<HHH", 0, 1, 9) + struct.pack("<BBBBHHII", 8, 8, 0, 0, 1, 32, 200, 0) * 9 + bytes(200)
    yield "apng", ico([make_png.animated(3_000, 64, 64)])
    yield "empty", ico([b""] * 3_000)
