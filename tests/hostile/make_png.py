"""PNGs, honest and hostile, without a library for images: chunks with right checksums around any bytes."""

import struct
import zlib

MAGIC = b"\x89PNG\r\n\x1a\n"


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def header(width, height, depth=8, colour=0, interlace=0):
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace))


def zeros(count, level=9):
    """So many zero bytes, compressed, without ever holding them."""
    packer = zlib.compressobj(level)
    out, block = [], bytes(1 << 20)
    while count > 0:
        out.append(packer.compress(block[: min(count, len(block))]))
        count -= len(block)
    return b"".join(out) + packer.flush()


def gzip_bomb(megabytes):
    packer = zlib.compressobj(9, wbits=31)
    out = [packer.compress(b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'>")]
    out += [packer.compress(b" " * (1 << 20)) for _ in range(megabytes)]
    return b"".join(out) + packer.compress(b"</svg>") + packer.flush()


BITS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def line_bytes(width, depth, colour):
    return (width * depth * BITS[colour] + 7) // 8 + 1


def flat(width, height, depth=8, colour=0, extra=b"", interlace=0):
    """An image of one colour, `extra` chunks before its pixels."""
    palette = chunk(b"PLTE", bytes(range(48))) if colour == 3 else b""
    data = zeros(line_bytes(width, depth, colour) * height + 64 * (interlace + 1) + (height * 8 if interlace else 0))
    return MAGIC + header(width, height, depth, colour, interlace) + palette + extra + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def noisy(width, height, colour=2):
    """A small image with something on it, for mutation."""
    lines = bytearray()
    for y in range(height):
        lines.append(y % 5)
        lines += bytes((x * 7 + y * 13 + x * y) & 0xFF for x in range(line_bytes(width, 8, colour) - 1))
    palette = chunk(b"PLTE", bytes(range(256)) * 3) if colour == 3 else b""
    return MAGIC + header(width, height, 8, colour) + palette + chunk(b"IDAT", zlib.compress(bytes(lines))) + chunk(b"IEND", b"")


def animated(frames, width=64, height=64, canvas=None):
    canvas = canvas or (width, height)
    parts = [MAGIC, header(*canvas, 8, 6), chunk(b"acTL", struct.pack(">II", frames, 0))]
    pixels, number = zeros(line_bytes(width, 8, 6) * height), 0
    for frame in range(frames):
        control = struct.pack(">IIIIIHHBB", number, width, height, 0, 0, 1, 100, frame % 3, frame % 2)
        parts.append(chunk(b"fcTL", control))
        number += 1
        if frame == 0:
            parts.append(chunk(b"IDAT", zeros(line_bytes(canvas[0], 8, 6) * canvas[1])))
        else:
            parts.append(chunk(b"fdAT", struct.pack(">I", number) + pixels))
            number += 1
    return b"".join(parts) + chunk(b"IEND", b"")


def bombs():
    """Small files that say, or hold, a great deal: (name, bytes)."""
    bomb = zeros(400 << 20)
    yield "iccp-400m", flat(10, 10, 8, 2, chunk(b"iCCP", b"p\0\0" + bomb))
    yield "ztxt-400m", flat(10, 10, 8, 2, chunk(b"zTXt", b"k\0\0" + bomb))
    yield "itxt-400m", flat(10, 10, 8, 2, chunk(b"iTXt", b"k\0\1\0\0\0" + bomb))
    yield "iccp-many", flat(10, 10, 8, 2, b"".join(chunk(b"iCCP", b"p\0\0" + zeros(30 << 20)) for _ in range(30)))
    yield "ztxt-many", flat(10, 10, 8, 2, chunk(b"zTXt", b"k\0\0" + zeros(1 << 20)) * 2_000)
    yield "exif-huge", flat(10, 10, 8, 2, chunk(b"eXIf", b"II*\0\x08\0\0\0\xff\xff" + b"\x12\x01\x04\0\xff\xff\xff\xff\x08\0\0\0" * 60_000))
    yield "idat-long", MAGIC + header(10, 10) + chunk(b"IDAT", bomb) + chunk(b"IEND", b"")
    yield "idat-tiny", MAGIC + header(3000, 3000) + b"".join(
        chunk(b"IDAT", bytes([b])) for b in zeros(3001 * 3000)) + chunk(b"IEND", b"")
    yield "empty-chunks", flat(10, 10, 8, 0, chunk(b"tEXt", b"k\0") * 500_000)
    yield "70mp-grey", flat(8_400, 8_400)
    yield "70mp-rgba16", flat(8_400, 8_400, 16, 6)
    yield "70mp-interlaced", flat(8_400, 8_400, 8, 2, interlace=1)
    yield "thin", flat(70_000_000, 1)
    yield "tall", flat(1, 70_000_000)
    yield "1bit", flat(8_400, 8_400, 1, 3)
    yield "too-large", flat(30_000, 30_000, 1, 0)
    yield "claims-4g", MAGIC + header(0x7FFFFFFF, 0x7FFFFFFF) + chunk(b"IDAT", b"x\x9c") + chunk(b"IEND", b"")
    yield "no-pixels", MAGIC + header(8_400, 8_400, 8, 6) + chunk(b"IEND", b"")
    yield "apng-10000", animated(10_000, 8, 8)
    yield "apng-large", animated(200, 4_000, 4_000)
    yield "apng-outside", animated(50, 5_000, 5_000, (10, 10))
    yield "length-lie", MAGIC + header(10, 10) + struct.pack(">I", 0x7FFFFFFF) + b"IDAT" + zeros(99)
