"""JPEGs of one grey, baseline and progressive, from their segments; and hostile ones."""

import struct

SOI, EOI = b"\xff\xd8", b"\xff\xd9"


def segment(marker, data):
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def table(kind, number, symbols):
    """A Huffman table in which all symbols have codes of the same length, the shortest that leaves one unused."""
    bits = 1
    while (1 << bits) - 1 < len(symbols):
        bits += 1
    counts = [0] * 16
    counts[bits - 1] = len(symbols)
    return segment(0xC4, bytes([kind << 4 | number]) + bytes(counts) + bytes(symbols)), bits


QUANTA = segment(0xDB, bytes([0]) + bytes([16] * 64))
JFIF = segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")


class Bits:
    """Bits in order, with a zero byte after each 0xFF."""

    def __init__(self):
        self.value, self.count = 0, 0

    def put(self, value, count):
        self.value = self.value << count | value
        self.count += count

    def done(self):
        pad = -self.count % 8
        value = self.value << pad | (1 << pad) - 1
        return value.to_bytes((self.count + pad) // 8, "big").replace(b"\xff", b"\xff\0")


def frame(marker, width, height, components=1, sampling=0x11):
    parts = b"".join(bytes([i + 1, sampling if i == 0 else 0x11, 0]) for i in range(components))
    return segment(marker, struct.pack(">BHHB", 8, height, width, components) + parts)


def scan(components=1, start=0, end=63, approximation=0):
    parts = b"".join(bytes([i + 1, 0]) for i in range(components))
    return segment(0xDA, bytes([components]) + parts + bytes([start, end, approximation]))


def flat(width, height, components=1, values=None, extra=b""):
    """A baseline image; `values` are differences of -1, 0 or 1 from block to block."""
    dc, dc_bits = table(0, 0, [0, 1])
    ac, ac_bits = table(1, 0, [0])
    blocks = ((width + 7) // 8) * ((height + 7) // 8) * components
    if values is None:
        # DC symbol 0, then end of block: 00 0; eight blocks are three whole bytes of zeros.
        bits = blocks * (dc_bits + ac_bits)
        data = bytes((bits + 7) // 8)
    else:
        writer = Bits()
        for i in range(blocks):
            step = values[i % len(values)]
            writer.put(1 if step else 0, dc_bits)
            if step:
                writer.put(1 if step > 0 else 0, 1)
            writer.put(0, ac_bits)
        data = writer.done()
    return SOI + JFIF + extra + QUANTA + frame(0xC0, width, height, components) + dc + ac + scan(components) + data + EOI


def progressive(width, height, scans, components=1):
    """One scan of DC, then as many that say nothing about all blocks."""
    dc, _ = table(0, 0, [0, 1])
    run, run_bits = table(1, 0, [0xE0, 0])
    blocks = ((width + 7) // 8) * ((height + 7) // 8)
    parts = [SOI, JFIF, QUANTA, frame(0xC2, width, height, components), dc, run]
    parts += [scan(components, 0, 0), bytes((blocks * components * 2 + 7) // 8)]
    writer = Bits()
    left = blocks
    while left > 0:
        here = min(left, 0x7FFF)
        if here < 0x4000:
            # Too short for the long run: single ends of block.
            for _ in range(here):
                writer.put(1, run_bits)
        else:
            writer.put(0, run_bits)
            writer.put(here - 0x4000, 14)
        left -= here
    empty = writer.done()
    for i in range(scans):
        component = i % components
        parts.append(segment(0xDA, bytes([1, component + 1, 0, 1, 63, 0])))
        parts.append(empty)
    return b"".join(parts) + EOI


def exif(entries):
    body = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", len(entries))
    return segment(0xE1, body + b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4))


def bombs():
    yield "70mp-grey", flat(8_400, 8_400)
    yield "70mp-colour", flat(8_400, 8_400, 3)
    yield "70mp-cmyk", flat(8_400, 8_400, 4)
    yield "70mp-progressive", progressive(8_400, 8_400, 3, 3)
    yield "scans-1000", progressive(4_000, 4_000, 1_000)
    yield "scans-5000-large", progressive(8_000, 8_000, 5_000)
    yield "scans-20000-small", progressive(300, 300, 20_000)
    yield "65535", flat(65_500, 65_500)[:100_000]
    yield "65500x1000", flat(65_500, 1_000)
    yield "headless-pixels", SOI + JFIF + QUANTA + frame(0xC2, 8_400, 8_400, 3) + EOI
    yield "app-flood", SOI + segment(0xED, bytes(65_000)) * 400 + flat(100, 100)[2:]
    yield "markers", SOI + b"\xff" * 3_000_000 + flat(100, 100)[2:]
    yield "empty-segments", SOI + segment(0xFE, b"") * 1_000_000 + flat(100, 100)[2:]
    icc = b"".join(segment(0xE2, b"ICC_PROFILE\0" + bytes([i % 255 + 1, 255]) + bytes(65_000)) for i in range(255))
    yield "icc-16m", SOI + icc + flat(100, 100)[2:]
    yield "exif-loop", flat(100, 100, extra=exif([(0x8769, 4, 1, 8), (0x8825, 4, 1, 8), (0x0112, 3, 1, 6)]))
    yield "exif-huge", flat(100, 100, extra=exif([(0x9000 + i % 999, 2, 0xFFFFFFFF, 8) for i in range(5_000)]))
    yield "restart", flat(4_000, 4_000).replace(b"\xff\xda", segment(0xDD, b"\0\1") + b"\xff\xda")
    yield "sampling", SOI + QUANTA + segment(0xC0, struct.pack(">BHHB", 8, 4_000, 4_000, 3) + b"\1\x44\0\2\x11\0\3\x11\0") + b"".join(
        t for t, _ in (table(0, 0, [0, 1]), table(1, 0, [0]))) + scan(3) + bytes(900_000) + EOI
    yield "thumbnails", SOI + segment(0xE1, b"Exif\0\0II*\0" + flat(4_000, 4_000)[:60_000]) * 60 + flat(50, 50)[2:]
