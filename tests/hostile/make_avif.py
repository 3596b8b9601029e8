"""AVIFs from their boxes: what the service wrote is taken apart and put together again with lies in it.

Nothing here encodes AV1: the coded image comes from the service itself (`output=avif`).
"""

import struct


def box(name, data, version=None):
    if version is not None:
        data = struct.pack(">I", version << 24) + data
    return struct.pack(">I", len(data) + 8) + name + data


def boxes(data):
    """The boxes side by side in these bytes: (name, content)."""
    at = 0
    while at + 8 <= len(data):
        length, name = struct.unpack(">I4s", data[at:at + 8])
        start = at + 8
        if length == 1:
            length, start = struct.unpack(">Q", data[at + 8:at + 16])[0], at + 16
        if length == 0:
            length = len(data) - at
        if length < 8:
            return
        yield name, data[start:at + length]
        at += length


def find(data, *path):
    for name, inner in boxes(data):
        if name == path[0]:
            if len(path) == 1:
                return inner
            found = find(inner[4:] if name in (b"meta", b"iinf") else inner, *path[1:])
            if found is not None:
                return found
    return None


def coded(avif):
    """The coded image and its `av1C`, of a file with one image first in `mdat`."""
    data = find(avif, b"mdat")
    return data, find(avif, b"meta", b"iprp", b"ipco", b"av1C")


def ispe(width, height):
    return box(b"ispe", struct.pack(">II", width, height), 0)


def file(items, properties, associations, references=b"", data=b"", primary=1, extra=b""):
    """Items are (id, type, offset in data, length); associations (id, numbers of properties)."""
    infe = b"".join(box(b"infe", struct.pack(">HH4sB", id & 0xFFFF, 0, kind, 0), 2) for id, kind, _, _ in items)
    ipma = struct.pack(">I", len(associations)) + b"".join(
        struct.pack(">HB", id, len(numbers)) + bytes(n for n in numbers) for id, numbers in associations)
    iprp = box(b"iprp", box(b"ipco", b"".join(properties)) + box(b"ipma", ipma, 0))

    def meta(base):
        iloc = struct.pack(">BBH", 0x44, 0, len(items)) + b"".join(
            struct.pack(">HHHII", id & 0xFFFF, 0, 1, base + at, length) for id, _, at, length in items)
        inner = box(b"hdlr", struct.pack(">I4s12x", 0, b"pict") + b"\0", 0) + box(b"pitm", struct.pack(">H", primary), 0)
        inner += box(b"iloc", iloc, 0) + box(b"iinf", struct.pack(">H", len(items)) + infe, 0) + iprp
        if references:
            inner += box(b"iref", references, 0)
        return box(b"meta", inner + extra, 0)

    ftyp = box(b"ftyp", b"avif\0\0\0\0avifmif1miaf")
    base = len(ftyp) + len(meta(0)) + 8
    return ftyp + meta(base) + box(b"mdat", data)


def refer(kind, source, targets):
    return box(kind, struct.pack(">HH", source, len(targets)) + b"".join(struct.pack(">H", t) for t in targets))


def grid(seed, width, height, columns, rows, tiles, whole=None, shared=True):
    """A grid whose tiles are all the same bytes."""
    obus, av1c = coded(seed)
    whole = whole or (width * columns, height * rows)
    head = struct.pack(">BBBBII", 0, 1, rows - 1 & 0xFF, columns - 1 & 0xFF, *whole)
    items = [(1, b"grid", 0, len(head))]
    items += [(i + 2, b"av01", len(head), len(obus)) for i in range(1 if shared else tiles)]
    properties = [ispe(*whole), ispe(width, height), box(b"av1C", av1c), box(b"pixi", b"\3\x08\x08\x08", 0)]
    associations = [(1, [1, 4])] + [(id, [2, 0x83, 4]) for id, *_ in items[1:]]
    targets = [2] * tiles if shared else [id for id, *_ in items[1:]]
    return file(items, properties, associations, refer(b"dimg", 1, targets), head + obus)


def single(seed, width, height, more=(), extra=b"", data=None):
    obus, av1c = coded(seed)
    obus = data if data is not None else obus
    properties = [ispe(width, height), box(b"av1C", av1c), *more]
    return file([(1, b"av01", 0, len(obus))], properties, [(1, [1, 0x82, *range(3, 3 + len(more))])], data=obus, extra=extra)


def larger(seed):
    """The coded image with a sequence header that says 65536 × 65536, where its form is the plain one."""
    obus, _ = coded(seed)
    bits = int.from_bytes(obus, "big")
    total = len(obus) * 8
    at = obus.find(b"\x0a")
    if at < 0:
        return None
    start = (at + 2) * 8 + 5
    reduced = bits >> total - start & 1
    position = start + 5 if reduced else None
    if position is None:
        return None
    wide = (bits >> total - position - 4 & 15) + 1
    high = (bits >> total - position - 8 & 15) + 1
    mask = (1 << wide + high) - 1 << total - position - 8 - wide - high
    return (bits | mask).to_bytes(len(obus), "big")


def bombs(seed, width, height):
    """`seed` is an AVIF of this size made by the service, as large as it makes them."""
    columns = 70_000_000 // (width * height * 4) or 1
    yield "grid-70mp", grid(seed, width, height, columns, 4, columns * 4)
    yield "grid-70mp-items", grid(seed, width, height, columns, 4, columns * 4, shared=False)
    yield "grid-256x256", grid(seed, width, height, 256, 256, 65_535)
    yield "grid-lie", grid(seed, width, height, 4, 4, 16, (8_000, 8_000))
    yield "grid-few-tiles", grid(seed, width, height, 6, 5, 1)
    yield "grid-itself", file([(1, b"grid", 0, 12)], [ispe(8_000, 8_000)], [(1, [1])], refer(b"dimg", 1, [1] * 9),
                              struct.pack(">BBBBII", 0, 1, 2, 2, 8_000, 8_000))
    yield "ispe-large", single(seed, 8_400, 8_400)
    yield "ispe-4g", single(seed, 0xFFFFFFFF, 0xFFFFFFFF)
    yield "ispe-zero", single(seed, 0, 0)
    big = larger(seed)
    if big:
        yield "sequence-65536", single(seed, 65_536, 65_536, data=big)
        yield "sequence-65536-small", single(seed, width, height, data=big)
    yield "clap", single(seed, width, height, [box(b"clap", struct.pack(">8I", 0xFFFFFFFF, 1, 9, 0, 0x7FFFFFFF, 1, 1, 0)), box(b"irot", b"\3"), box(b"imir", b"\1")])
    yield "rotations", single(seed, width, height, [box(b"irot", b"\1")] * 100)
    yield "icc-16m", single(seed, width, height, [box(b"colr", b"prof" + bytes(16 << 20))])
    yield "boxes", single(seed, width, height, extra=box(b"free", b"") * 1_000_000)
    deep = b""
    for _ in range(20_000):
        deep = box(b"iprp", deep) if len(deep) < 1 << 20 else deep
    yield "deep", single(seed, width, height, extra=deep)
    yield "items-65535", file([(i, b"av01", 0, 1) for i in range(65_535)], [ispe(9, 9)], [(i % 65_535, [1]) for i in range(65_535)])
    yield "length-lie", box(b"ftyp", b"avif\0\0\0\0avifmif1") + struct.pack(">I4s", 0x7FFFFFFF, b"meta") + bytes(200)
    obus, _ = coded(seed)
    yield "obus", single(seed, width, height, data=obus * max(2, min(2_000, (24 << 20) // len(obus))))
    yield "obu-empty", single(seed, width, height, data=b"\x12\0" * 2_000_000)
    yield "cut", single(seed, width, height, data=obus[: len(obus) // 2])
