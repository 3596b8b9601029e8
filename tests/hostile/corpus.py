"""All hostile cases: those of a folder, and those that are made here.

A case is (kind, name, type, make): `make()` gives its bytes, so that only one is in memory at a time. The kind
says how the service meets it: `page-…` as an article, `feed-…` as a feed, all else as an image.
"""

import os

import make_avif
import make_feed
import make_gif
import make_html
import make_jpeg
import make_png
import make_svg
import make_tiff

TYPES = {
    "svg": "image/svg+xml", "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp",
    "avif": "image/avif", "tiff": "image/tiff", "bmp": "image/bmp", "ico": "image/x-icon", "html": "text/html", "xml": "application/rss+xml",
    "json": "application/feed+json",
}


def folder(path):
    for name in sorted(os.listdir(path)):
        ending = name.rsplit(".", 1)[-1].lower()
        if ending not in TYPES:
            continue
        kind = {"html": "page", "xml": "feed", "json": "feed"}.get(ending, ending)
        with open(os.path.join(path, name), "rb") as file:
            data = file.read()
        yield f"{kind}-given", name, TYPES[ending], data


def images(seed):
    for kind, name, data in make_svg.svgs():
        yield kind, name, TYPES["svg"], data
    made = [
        ("png", make_png.bombs), ("jpg", make_jpeg.bombs), ("gif", make_gif.bombs), ("webp", make_gif.webp_bombs),
        ("tiff", make_tiff.tiffs), ("bmp", make_tiff.bmps), ("ico", make_tiff.icos),
    ]
    if seed:
        made.append(("avif", lambda: make_avif.bombs(*seed)))
    for kind, bombs in made:
        for name, data in bombs():
            yield kind, f"{kind}-{name}.{kind}", TYPES[kind], data


def texts():
    for name, data in make_html.pages(250_000):
        yield "page", f"page-{name}.html", TYPES["html"], data
    for name, data in make_html.pages(4_900_000):
        if name in ("aaa", "fmt-50", "foster", "deep-div", "attributes", "template", "words", "links", "entities", "every-format"):
            yield "page-5m", f"page-5m-{name}.html", TYPES["html"], data
    for name, kind, data in make_feed.storms(950_000):
        yield "feed-field", f"feed-{name}.xml", kind, data
    for name, kind, data in make_feed.shapes():
        yield "feed-shape", f"feed-{name}.{'json' if 'json' in kind else 'xml'}", kind, data


def cases(given, seed, prefix=""):
    """(kind, name, type, bytes), those of the folder first."""
    if given:
        yield from (case for case in folder(given) if case[0].startswith(prefix))
    made = []
    if not prefix.startswith(("page", "feed")):
        made.append(images(seed))
    if prefix[:4] in ("", "page", "feed"):
        made.append(texts())
    for some in made:
        yield from (case for case in some if case[0].startswith(prefix))
