"""Mutations of raster images: by their chunks, segments, blocks, boxes and entries, checksums put right again."""

import struct

import make_avif
import make_gif
import make_jpeg
import make_png
import make_tiff

INTERESTING = [0, 1, 2, 3, 7, 8, 16, 64, 127, 128, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]


def seeds(made):
    """(ending, bytes); `made` are what the service itself wrote, by ending."""
    own = [
        ("png", make_png.noisy(40, 30)), ("png", make_png.noisy(33, 9, 3)), ("png", make_png.noisy(40, 30, 6)), ("png", make_png.flat(40, 30, 16, 6, interlace=1)),
        ("png", make_png.animated(4, 20, 20)), ("png", make_png.flat(50, 50, 8, 2, make_png.chunk(b"iCCP", b"p\0\0" + make_png.zeros(3_000)))),
        ("jpg", make_jpeg.flat(60, 40, 3, [1, -1, 0, 1, 1])), ("jpg", make_jpeg.progressive(300, 200, 4, 3)), ("jpg", make_jpeg.flat(40, 40, 4, [1, 0])),
        ("jpg", make_jpeg.flat(40, 40, 1, [1, -1], make_jpeg.exif([(0x0112, 3, 1, 6)]))),
        ("gif", make_gif.animated(40, 30, 4)), ("gif", make_gif.animated(40, 30, 5, (9, 9), 2)),
        ("webp", make_gif.riff((b"VP8L", make_gif.webp_lossless(60, 40)))), ("webp", make_gif.webp_animated(40, 30, 4, (20, 10))),
        ("tiff", make_tiff.strips(50, 40, 5, make_tiff.lzw(2000))), ("tiff", make_tiff.strips(50, 40, 8, make_png.zeros(6000), 3)),
        ("tiff", make_tiff.strips(50, 40, 32773, make_tiff.packbits(2000))), ("tiff", make_tiff.strips(50, 50, 1, bytes(50), rows=1)),
        ("bmp", make_tiff.bmp_head(40, 30, 24, 0) + bytes(range(120)) * 30),
        ("bmp", make_tiff.bmp_head(40, 30, 8, 1, 54 + 1024) + bytes(1024) + b"\x28\1\0\0" * 30 + b"\0\1"),
        ("ico", make_tiff.ico([make_png.noisy(16, 16, 6), make_png.noisy(32, 32, 2)])),
    ]
    return own + [(ending, data) for ending, data in made]


def some_bytes(random, data):
    out = bytearray(data)
    for _ in range(random.choice([1, 1, 2, 4, 16])):
        if not out:
            break
        at = random.randrange(len(out))
        how = random.randrange(5)
        if how == 0:
            out[at] ^= 1 << random.randrange(8)
        elif how == 1:
            out[at] = random.randrange(256)
        elif how == 2:
            del out[at: at + random.choice([1, 2, 4, 50])]
        elif how == 3:
            out[at:at] = bytes(random.choice([1, 2, 4, 50]))
        else:
            form = random.choice(["<H", ">H", "<I", ">I"])
            width = struct.calcsize(form)
            value = random.choice(INTERESTING) & (1 << 8 * width) - 1
            out[at: at + width] = struct.pack(form, value)
    return bytes(out)


def parts(random, pieces, others=()):
    """Duplicates, drops, swaps, or borrows pieces of a list."""
    pieces = list(pieces)
    for _ in range(random.choice([1, 1, 2, 3])):
        if not pieces:
            break
        at = random.randrange(len(pieces))
        how = random.randrange(5)
        if how == 0:
            pieces[at:at] = [pieces[at]] * random.choice([1, 2, 30, 500])
        elif how == 1:
            del pieces[at]
        elif how == 2:
            other = random.randrange(len(pieces))
            pieces[at], pieces[other] = pieces[other], pieces[at]
        elif how == 3 and others:
            pieces.insert(at, random.choice(others))
        else:
            name, data = pieces[at]
            pieces[at] = (name, some_bytes(random, data) if data else bytes(random.randrange(300)))
    return pieces


def png_chunks(data):
    at = 8
    while at + 12 <= len(data):
        length = struct.unpack(">I", data[at: at + 4])[0]
        yield data[at + 4: at + 8], data[at + 8: at + 8 + length]
        at += 12 + length


def png(random, data):
    chunks = list(png_chunks(data))
    if random.random() < 0.4 and chunks:
        name, head = chunks[0]
        head = bytearray(head)
        if len(head) == 13:
            which = random.randrange(4)
            if which == 0:
                head[0:4] = struct.pack(">I", random.choice([0, 1, 9, 4_000, 65_536, 0x7FFFFFFF]))
            elif which == 1:
                head[4:8] = struct.pack(">I", random.choice([0, 1, 9, 4_000, 65_536, 0x7FFFFFFF]))
            elif which == 2:
                head[8], head[9] = random.choice([1, 2, 4, 8, 16]), random.choice([0, 2, 3, 4, 6])
            else:
                head[12] ^= 1
            chunks[0] = (name, bytes(head))
    extra = [(b"iCCP", b"p\0\0" + make_png.zeros(9_000)), (b"tRNS", bytes(256)), (b"PLTE", bytes(768)), (b"acTL", struct.pack(">II", 9, 0)),
             (b"gAMA", bytes(4)), (b"cHRM", bytes(32)), (b"sBIT", bytes(4)), (b"eXIf", b"II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0"), (b"tEXt", b"a\0b")]
    chunks = parts(random, chunks, extra)
    return make_png.MAGIC + b"".join(make_png.chunk((name + b"aaaa")[:4], body) for name, body in chunks)


def jpeg_segments(data):
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xD9:
            return
        length = struct.unpack(">H", data[at + 2: at + 4])[0]
        end = at + 2 + length
        if marker == 0xDA:
            scan = end
            while scan + 1 < len(data) and not (data[scan] == 0xFF and data[scan + 1] != 0 and not 0xD0 <= data[scan + 1] <= 0xD7):
                scan += 1
            yield bytes([0xFF, marker]), data[at + 2: scan]
            at = scan
        else:
            yield bytes([0xFF, marker]), data[at + 2: end]
            at = end


def jpeg(random, data):
    segments = parts(random, jpeg_segments(data), [(b"\xff\xdd", b"\0\4\0\1"), (b"\xff\xc4", b"\0\3\0"), (b"\xff\xee", b"\0\x0eAdobe\0\x64\0\0\0\0\2")])
    if random.random() < 0.3:
        for i, (marker, body) in enumerate(segments):
            if marker in (b"\xff\xc0", b"\xff\xc2") and len(body) > 8:
                body = bytearray(body)
                body[random.choice([3, 4, 5, 6, 7, 9])] = random.randrange(256)
                segments[i] = (random.choice([marker, marker, b"\xff\xc2", b"\xff\xc1", b"\xff\xc9"]), bytes(body))
    return make_jpeg.SOI + b"".join(marker + body for marker, body in segments) + random.choice([make_jpeg.EOI, b""])


def webp(random, data):
    chunks, at = [], 12
    while at + 8 <= len(data):
        length = struct.unpack("<I", data[at + 4: at + 8])[0]
        chunks.append((data[at: at + 4], data[at + 8: at + 8 + length]))
        at += 8 + length + length % 2
    extra = [(b"ALPH", b"\1" + bytes(30)), (b"ICCP", bytes(500)), (b"EXIF", bytes(50)), (b"ANIM", bytes(6)), (b"VP8X", b"\x3e\0\0\0" + bytes(6)), (b"XMP ", b"x")]
    return make_gif.riff(*[((name + b"    ")[:4], body) for name, body in parts(random, chunks, extra)])


def avif(random, data):
    """Boxes at any depth, their lengths put right again."""
    def walk(content, depth):
        pieces = list(make_avif.boxes(content))
        if not pieces:
            return some_bytes(random, content) if content else content
        at = random.randrange(len(pieces))
        name, inner = pieces[at]
        if name in (b"meta", b"iinf", b"iprp", b"ipco", b"iref") and depth < 6 and random.random() < 0.8:
            skip = {b"meta": 4, b"iinf": 6, b"iref": 4}.get(name, 0)
            pieces[at] = (name, inner[:skip] + walk(inner[skip:], depth + 1))
        else:
            pieces = parts(random, pieces, [(b"irot", b"\1"), (b"imir", b"\1"), (b"clap", struct.pack(">8I", 9, 1, 9, 1, 0, 1, 0, 1)), (b"free", b"")])
        return b"".join(make_avif.box((name + b"    ")[:4], inner) for name, inner in pieces)

    return walk(data, 0)


def any_format(random, ending, data):
    by_structure = {"png": png, "jpg": jpeg, "webp": webp, "avif": avif}.get(ending)
    if by_structure and random.random() < 0.75:
        try:
            return by_structure(random, data)
        except (struct.error, OverflowError):
            pass
    if ending == "tiff" and random.random() < 0.6 and len(data) > 10:
        # One entry of the directory: its type, count or value.
        out = bytearray(data)
        count = struct.unpack("<H", out[8:10])[0] or 1
        entry = 10 + 12 * random.randrange(count)
        if entry + 12 <= len(out):
            field, form = random.choice([(0, "<H"), (2, "<H"), (4, "<I"), (8, "<I"), (8, "<I")])
            width = struct.calcsize(form)
            out[entry + field: entry + field + width] = struct.pack(form, random.choice(INTERESTING + [5, 34712, 339, 322, 259]) & (1 << 8 * width) - 1)
        return bytes(out)
    return some_bytes(random, data)
