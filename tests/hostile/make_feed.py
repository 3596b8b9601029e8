"""Hostile feeds: (name, type, bytes)."""

import json

import make_html

RSS = "application/rss+xml"
HEAD = '<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>t</title><link>http://e.org/</link>'
END = "</channel></rss>"


def item(number, field):
    return f"<item><title>Item {number}</title><link>http://e.org/{number}</link><guid>g{number}</guid><description><![CDATA[{field}]]></description></item>"


def rss(items, head=HEAD):
    return (head + "".join(items) + END).encode("utf-8", "surrogatepass")


def field(storm):
    """A feed of one item whose field this is."""
    return rss([item(1, storm.replace("]]>", ""))])


def storms(size):
    for name, storm in make_html.storms(size):
        yield f"field-{name}", RSS, field(storm)


def shapes():
    yield "items-10000", RSS, rss(item(i, "x") for i in range(10_000))
    yield "items-same-guid", RSS, rss(item(1, f"x{i}") for i in range(10_000))
    yield "items-storms", RSS, rss(item(i, "".join(f"<b a={n}>" for n in range(40)) + "<p>x" * 200) for i in range(2_000))
    yield "field-1m", RSS, rss([item(1, "<p>word " * 130_000)])
    yield "field-4m", RSS, rss([item(1, "<p><b>word " * 400_000)])
    yield "fields-1m", RSS, rss(item(i, "<p>word " * 130_000) for i in range(12))
    yield "deep-xml", RSS, (HEAD + "<a>" * 1_000_000 + "</a>" * 1_000_000 + END).encode()
    yield "deep-item", RSS, (HEAD + "<item>" * 300_000 + "</item>" * 300_000 + END).encode()
    yield "deep-unclosed", RSS, (HEAD + "<item><a>" * 500_000).encode()
    yield "attributes", RSS, rss(["<item ", " ".join(f'a{i}="1"' for i in range(200_000)), "><title>x</title></item>"])
    yield "namespaces", RSS, rss(["<item ", " ".join(f'xmlns:a{i}="u{i}"' for i in range(100_000)), "><title>x</title></item>"])
    yield "namespaces-deep", RSS, (HEAD + "".join(f'<x xmlns:a{i}="u{i}">' for i in range(50_000))).encode()
    laughs = "".join(f"<!ENTITY {chr(98 + i)} \"{('&' + chr(97 + i) + ';') * 10}\">" for i in range(10))
    for name, reference in [("laughs", "&k;"), ("laughs-many", "&k;" * 10_000)]:
        dtd = f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "ha">{laughs}]>'
        yield name, RSS, (dtd + rss([item(1, "x"), f"<item><title>{reference}</title></item>"]).decode().split("?>", 1)[1]).encode()
    dtd = '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "' + "x" * 60_000 + '">]>'
    yield "entity-quadratic", RSS, (dtd + f"<rss version='2.0'><channel><item><title>{'&a;' * 100_000}</title><guid>1</guid></item></channel></rss>").encode()
    dtd = '<?xml version="1.0"?><!DOCTYPE rss [' + "".join(f"<!ENTITY e{i} 'x'>" for i in range(100_000)) + "]>"
    yield "entities-declared", RSS, (dtd + "<rss version='2.0'><channel><item><title>&e5;</title><guid>1</guid></item></channel></rss>").encode()
    yield "doctype-open", RSS, ('<?xml version="1.0"?><!DOCTYPE rss [' + "<!ENTITY " * 1_000_000).encode()
    yield "cdata-splits", RSS, rss(["<item><description>", "<![CDATA[<p>x]]>" * 300_000, "</description></item>"])
    yield "cdata-open", RSS, rss(["<item><description>", "<![CDATA[" * 500_000])
    yield "escaped", RSS, rss([f"<item><description>{'&lt;b a=1&gt;&lt;p&gt;x' * 100_000}</description></item>"])
    yield "double-escaped", RSS, rss([f"<item><description>{'&amp;lt;b&amp;gt;' * 200_000}</description></item>"])
    yield "ampersands", RSS, rss([f"<item><description>{'& ' * 1_000_000}</description></item>"])
    yield "references", RSS, rss([f"<item><description>{'&#38;#60;' * 400_000}</description></item>"])
    yield "comments", RSS, rss(["<!---->" * 500_000, item(1, "x")])
    yield "instructions", RSS, rss(["<?x?>" * 700_000, item(1, "x")])
    yield "enclosures", RSS, rss(["<item><guid>1</guid>", "<enclosure url='http://e.org/a.jpg' type='image/jpeg' length='1'/>" * 40_000, "</item>"])
    yield "media", RSS, rss(["<item><guid>1</guid>", "<media:group xmlns:media='http://search.yahoo.com/mrss/'>" * 100_000, "</item>"])
    yield "categories", RSS, rss(["<item><guid>1</guid>", "<category>x</category>" * 200_000, "</item>"])
    atom = "<?xml version='1.0'?><feed xmlns='http://www.w3.org/2005/Atom'><title>t</title><id>i</id><updated>2026-01-01T00:00:00Z</updated>"
    yield "atom-xhtml-deep", "application/atom+xml", (
        atom + "<entry><id>1</id><title>x</title><content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>"
        + "<div>" * 200_000 + "</div>" * 200_000 + "</div></content></entry></feed>").encode()
    yield "atom-xhtml-attributes", "application/atom+xml", (
        atom + "<entry><id>1</id><content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml' " + " ".join(f"a{i}='1'" for i in range(100_000))
        + ">x</div></content></entry></feed>").encode()
    yield "atom-xml-base", "application/atom+xml", (atom + "<entry xml:base='a/'>" * 100_000).encode()
    yield "xhtml-prefixes", "application/atom+xml", (
        atom + "<entry><id>1</id><content type='xhtml'>" + "".join(f"<h{i}:div xmlns:h{i}='http://www.w3.org/1999/xhtml'>" for i in range(50_000))).encode()
    yield "json-deep", "application/feed+json", (
        '{"version":"https://jsonfeed.org/version/1.1","title":"t","items":[{"id":"1","content_html":"x","_a":' + "[" * 1_000_000 + "]" * 1_000_000 + "}]}").encode()
    yield "json-objects", "application/feed+json", ('{"version":"https://jsonfeed.org/version/1.1","items":' + '{"items":' * 500_000).encode()
    yield "json-items", "application/feed+json", json.dumps(
        {"version": "https://jsonfeed.org/version/1.1", "title": "t",
         "items": [{"id": str(i), "content_html": "<b a=1><p>x" * 9} for i in range(30_000)]}).encode()
    yield "json-keys", "application/feed+json", json.dumps(
        {"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "1", **{f"k{i}": 1 for i in range(300_000)}}]}).encode()
    yield "json-escapes", "application/feed+json", (
        '{"version":"https://jsonfeed.org/version/1.1","items":[{"id":"1","content_html":"' + "\\ud800\\u003cb\\u003e" * 150_000 + '"}]}').encode()
    yield "json-storm", "application/feed+json", json.dumps(
        {"version": "https://jsonfeed.org/version/1.1",
         "items": [{"id": "1", "content_html": "".join(f"<b a={n}>" for n in range(50)) + "<p>x" * 200_000}]}).encode()
    yield "number", "application/feed+json", b'{"version":"https://jsonfeed.org/version/1.1","items":[{"id":' + b"9" * 3_000_000 + b"}]}"
    yield "utf-16", RSS, rss([item(1, "<b a=1><p>x" * 100_000)]).decode().encode("utf-16")
    yield "utf-7", RSS, b"<?xml version='1.0' encoding='utf-7'?>" + rss([item(1, "x")])
    yield "one-tag", RSS, b"<rss " + b"a" * 8_000_000
    yield "zeros", RSS, bytes(8_000_000)
    yield "title-1m", RSS, rss([f"<item><guid>1</guid><title>{'title ' * 200_000}</title></item>"])
    yield "guid-1m", RSS, rss([f"<item><guid>{'g' * 1_000_000}</guid><title>x</title></item>"])
    yield "link-1m", RSS, rss([f"<item><guid>1</guid><link>http://e.org/{'l' * 1_000_000}</link></item>"])
    yield "dates", RSS, rss(f"<item><guid>{i}</guid><pubDate>{'9' * 2_000}</pubDate></item>" for i in range(1_000))
