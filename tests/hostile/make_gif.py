"""GIFs and the images of WebP, from their blocks; and hostile ones."""

import struct


def lzw_flat(pixels):
    """LZW of so many equal pixels, in the fewest codes: each code is the one that it defines itself."""
    out, value, count = bytearray(), 0, 0
    left = pixels
    codes = []
    while left > 0:
        codes.append((4, codes[-1][1] if codes else 3))
        size, code = 3, 6
        codes.append((0, size))
        left -= 1
        while left > 0 and code < 4095:
            run = code - 4
            codes.append((code if left >= run else 0 if left == 1 else left + 4, size))
            left -= min(run, left)
            code += 1
            if code == 1 << size and size < 12:
                size += 1
        last = size
    codes.append((5, last))
    for code, size in codes:
        value |= code << count
        count += size
        while count >= 8:
            out.append(value & 0xFF)
            value >>= 8
            count -= 8
    return bytes(out) + bytes([value & 0xFF])


def blocks(data):
    parts = [bytes([len(data[i:i + 255])]) + data[i:i + 255] for i in range(0, len(data), 255)]
    return b"".join(parts) + b"\0"


def head(width, height, colours=2):
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80 | colours - 1, 0, 0) + bytes(range(3 << colours))


LOOP = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"


def image(width, height, data, x=0, y=0, delay=5, dispose=1, interlaced=False):
    control = b"\x21\xf9\x04" + struct.pack("<BHBB", dispose << 2, delay, 0, 0)
    return control + b"\x2c" + struct.pack("<HHHHB", x, y, width, height, 0x40 if interlaced else 0) + b"\x02" + blocks(data)


def animated(width, height, frames, frame=None, dispose=1):
    frame = frame or (width, height)
    data = lzw_flat(frame[0] * frame[1])
    return head(width, height) + LOOP + image(*frame, data, dispose=dispose) * frames + b"\x3b"


def bombs():
    yield "70mp", animated(8_400, 8_400, 1)
    yield "frames-10000", animated(64, 64, 10_000)
    yield "frames-10000-tiny", animated(2_000, 2_000, 10_000, (1, 1))
    yield "frames-250-previous", animated(500, 500, 250, dispose=3)
    yield "frames-large", animated(4_000, 4_000, 200)
    yield "65535", head(65_535, 65_535) + image(65_535, 65_535, b"\x84\x51") + b"\x3b"
    yield "canvas-65535", animated(65_535, 65_535, 3, (1, 1))
    yield "outside", head(10, 10) + image(8_000, 8_000, lzw_flat(64_000_000), 60_000, 60_000) + b"\x3b"
    yield "comments", head(9, 9) + b"\x21\xfe\0" * 2_000_000 + image(9, 9, lzw_flat(81)) + b"\x3b"
    yield "zero-frames", head(8_000, 8_000) + b"\x3b"
    yield "zero-size", head(0, 0) + image(0, 0, b"\x44\x01") * 500 + b"\x3b"
    yield "no-end", head(4_000, 4_000) + image(4_000, 4_000, b"\x84" * 2_000_000)
    yield "clear-codes", head(4_000, 4_000) + image(4_000, 4_000, b"\x24\x49\x92" * 700_000) + b"\x3b"
    yield "interlaced", head(8_000, 8_000) + image(8_000, 8_000, lzw_flat(64_000_000), interlaced=True) + b"\x3b"


def webp_lossless(width, height):
    """A VP8L image of one colour: every code has one symbol and takes no bits at all."""
    value = count = 0

    def put(number, bits):
        nonlocal value, count
        value |= number << count
        count += bits

    put(0x2F, 8)
    put(width - 1, 14)
    put(height - 1, 14)
    put(0, 1 + 3)
    put(0, 1)  # no transform
    put(0, 1)  # no colour cache
    put(0, 1)  # one group of codes
    for _ in range(5):
        put(1, 1)  # a simple code
        put(0, 1)  # of one symbol
        put(1, 1)  # of eight bits
        put(77, 8) if _ < 4 else put(0, 8)
    return value.to_bytes((count + 7) // 8 + 2, "little")


def riff(*chunks):
    body = b"WEBP" + b"".join(
        name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for name, data in chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def u24(number):
    return struct.pack("<I", number)[:3]


def webp_animated(width, height, frames, frame=None, loops=0):
    frame = frame or (width, height)
    data = webp_lossless(*frame)
    inner = b"VP8L" + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
    one = u24(0) + u24(0) + u24(frame[0] - 1) + u24(frame[1] - 1) + u24(50) + b"\0" + inner
    head = b"\x02\0\0\0" + u24(width - 1) + u24(height - 1)
    return riff((b"VP8X", head), (b"ANIM", bytes(4) + struct.pack("<H", loops)), *[(b"ANMF", one)] * frames)


def webp_bombs():
    yield "70mp", riff((b"VP8L", webp_lossless(8_400, 8_400)))
    yield "16383", riff((b"VP8L", webp_lossless(16_383, 16_383)))
    yield "16383x4300", riff((b"VP8L", webp_lossless(16_383, 4_300)))
    yield "frames-10000", webp_animated(64, 64, 10_000)
    yield "frames-250", webp_animated(500, 500, 250)
    yield "frames-large", webp_animated(8_000, 8_000, 100)
    yield "frames-small", webp_animated(8_000, 8_000, 200, (2, 2))
    yield "canvas-16m", webp_animated(1 << 24, 1 << 24, 2, (4, 4))
    yield "lossy-lie", riff((b"VP8 ", b"\x10\0\0\x9d\x01\x2a" + struct.pack("<HH", 16_383, 4_300) + bytes(3_000)))
    alpha = b"\x01" + webp_lossless(8_000, 8_000)[5:]
    yield "alpha-lie", riff((b"VP8X", b"\x10\0\0\0" + u24(7_999) + u24(7_999)), (b"ALPH", alpha),
                            (b"VP8 ", b"\x10\0\0\x9d\x01\x2a" + struct.pack("<HH", 8_000, 8_000) + bytes(3_000)))
    yield "chunks", riff(*[(b"XXXX", b"")] * 400_000, (b"VP8L", webp_lossless(9, 9)))
    yield "icc-16m", riff((b"VP8X", b"\x20\0\0\0" + u24(8) + u24(8)), (b"ICCP", bytes(16 << 20)), (b"VP8L", webp_lossless(9, 9)))
    # Codes with all their lengths given, for a large image of noise that ends early.
    yield "cut", riff((b"VP8L", webp_lossless(8_000, 8_000)[:6] + bytes(range(256)) * 200))
