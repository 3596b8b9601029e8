"""Mutations of pages and feeds: soups of tags, and documents whose pieces are doubled, nested, cut and swapped."""

import json
import re

import make_feed
import make_html

TAGS = (
    "a b i u p div span table tr td th tbody caption colgroup col ul ol li dl dt dd h1 h2 font nobr big code em s small strong tt select option optgroup "
    "template svg math mi mo annotation-xml foreignObject desc title style script textarea iframe noscript plaintext frameset frame html head body "
    "article section figure figcaption img image source video audio object embed applet marquee form button input ruby rb rt rtc rp pre listing br hr "
    "details summary dialog center address blockquote main nav header footer aside xmp noembed base meta link image keygen isindex"
).split()
PIECES = [
    "<!--", "-->", "--!>", "<!", "<?", "]]>", "<![CDATA[", "&amp;", "&lt;", "&#60;", "&notit;", "&", "<", ">", "/>", "</", "\0", "'", '"', "=", "\f", "\r\n", "x",
    "text, and text ", " a=1", " href=javascript:x", " src=a.jpg", " style='a:url(b.jpg)'", " onload=x", " srcset='a 1x,b 2x'", " id=a", " class='a b'",
    " encoding=text/html", " xmlns='http://www.w3.org/2000/svg'", " srcdoc='<b>'", "\u202e", "\U0001f600", "<!DOCTYPE html>", " data-src=b.jpg",
]
BLOCK = re.compile(r"<[^<>]{0,400}>|[^<>]{1,200}|[<>]")


def soup(random, size):
    out = []
    length = 0
    favourites = [random.choice(TAGS) for _ in range(random.choice([2, 4, 12, 60]))]
    while length < size:
        how = random.random()
        if how < 0.5:
            name = random.choice(favourites)
            attributes = "".join(random.choice(PIECES[23:]) for _ in range(random.choice([0, 0, 0, 1, 2]))) if random.random() < 0.4 else ""
            if random.random() < 0.1:
                attributes += f" a={random.randrange(99)}"
            piece = f"<{name}{attributes}>"
        elif how < 0.75:
            piece = f"</{random.choice(favourites)}>"
        elif how < 0.9:
            piece = random.choice(PIECES)
        else:
            piece = "word " * random.choice([1, 1, 9])
        if random.random() < 0.03:
            piece *= random.choice([10, 100, 1_000])
        out.append(piece)
        length += len(piece)
    return "".join(out)


def shuffled(random, text):
    pieces = BLOCK.findall(text)
    for _ in range(random.choice([1, 3, 10])):
        if len(pieces) < 2:
            break
        at, other = random.randrange(len(pieces)), random.randrange(len(pieces))
        how = random.randrange(6)
        if how == 0:
            pieces[at: at + random.randrange(1, 30)] = []
        elif how == 1:
            run = pieces[at: at + random.randrange(1, 30)]
            pieces[at:at] = run * random.choice([1, 5, 100])
        elif how == 2:
            pieces[at], pieces[other] = pieces[other], pieces[at]
        elif how == 3:
            pieces.insert(at, random.choice(PIECES))
        elif how == 4:
            pieces[at] = soup(random, 200)
        else:
            spot = random.randrange(len(pieces[at]) + 1)
            pieces[at] = pieces[at][:spot] + chr(random.randrange(0xD000)) + pieces[at][spot:]
    return "".join(pieces)


SEEDS = []


def seeds():
    if not SEEDS:
        SEEDS.extend(text for _, text in make_html.storms(3_000))
        SEEDS.extend(text for _, text in make_html.storms(60_000))
    return SEEDS


def field(random):
    how = random.random()
    if how < 0.4:
        return soup(random, random.choice([500, 5_000, 50_000, 200_000]))
    return shuffled(random, random.choice(seeds()))


def encode(random, text):
    if random.random() < 0.05:
        return text.encode("utf-16", "surrogatepass")
    data = text.encode("utf-8", "surrogatepass")
    if random.random() < 0.1 and data:
        at = random.randrange(len(data))
        data = data[:at] + bytes(random.randrange(256) for _ in range(9)) + data[at:]
    return data


def page(random):
    text = field(random)
    return encode(random, make_html.page("").decode().replace("</article>", text + "</article>") if random.random() < 0.8 else text)


def feed(random):
    """(type, bytes)"""
    how = random.random()
    text = field(random)
    if how < 0.35:
        items = [make_feed.item(i, text if i == 0 else "x").replace("]]>", "" if random.random() < 0.9 else "]]>", 1) for i in range(random.choice([1, 3]))]
        return make_feed.RSS, encode(random, make_feed.HEAD + "".join(items) + make_feed.END)
    if how < 0.5:
        escaped = text.replace("&", "&amp;").replace("<", "&lt;")
        return make_feed.RSS, encode(random, make_feed.HEAD + f"<item><guid>1</guid><description>{escaped}</description></item>" + make_feed.END)
    if how < 0.65:
        atom = ("<feed xmlns='http://www.w3.org/2005/Atom'><title>t</title><id>i</id><entry><id>1</id><content type='xhtml'>"
                f"<div xmlns='http://www.w3.org/1999/xhtml'>{text}</div></content></entry></feed>")
        return "application/atom+xml", encode(random, atom)
    if how < 0.75:
        data = json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "t", "items": [{"id": "1", "content_html": text}]})
        return "application/feed+json", shuffled(random, data).encode("utf-8", "surrogatepass") if random.random() < 0.5 else data.encode()
    base = make_feed.HEAD + "".join(make_feed.item(i, "<p>x <img src='a.jpg'>") for i in range(5)) + make_feed.END
    if random.random() < 0.5:
        base = base.replace("<rss", "<!DOCTYPE rss [<!ENTITY a 'b'><!ENTITY c '&a;&a;'>]><rss", 1).replace("Item", "&c;")
    return make_feed.RSS, encode(random, shuffled(random, base))
