"""Hostile pages and fields: little markup of which a tree builder makes a great deal.

`storms(size)` yields (name, HTML) of about so many bytes each. A page is a storm in an article.
"""

TEXT = "Some long text of an article, with words and commas, so that it counts. "


def fill(unit, size):
    return unit * max(1, size // len(unit))


def storms(size):
    yield "aaa", fill("<a><div><div><div><div><div><div><div></a>", size)
    yield "aaa-wide", fill("<a>" + "<div>" * 40 + "</a>", size)
    for count in (10, 50, 500):
        opened = "".join(f"<b a={i}>" for i in range(count))
        yield f"fmt-{count}", "<p>" + opened + fill("<p>x", size - len(opened))
    yield "fmt-class", "".join(f"<b class=c{i}>" for i in range(size // 40)) + fill("<p>x", size // 2)
    yield "font", "".join(f"<font size={i}>" for i in range(60)) + fill("</p><p>", size)
    yield "nobr", fill("<nobr><p>", size)
    yield "every-format", fill("<a href=1><b><big><code><em><font><i><nobr><s><small><strike><strong><tt><u><p>", size)
    yield "misnested", fill("<b><i><p></b></i>", size)
    yield "long-attribute", f"<i {'a' * 300}=1><b {'b' * 300}=2><p>" + fill("<p>x", size)
    yield "judge", "<i " + "a" * 64 + "=1><p>" + "".join(f"<b a={i}>" for i in range(50)) + fill("<p>x", size)
    yield "bang", "<!--x--!>" + fill("<div>", size)
    yield "bangs", fill("<!", size)
    yield "comments", fill("<!---->", size)
    yield "processing", fill("<?x>", size)
    yield "deep-div", fill("<div>", size)
    yield "deep-span", fill("<span>", size)
    yield "deep-list", fill("<ul><li>", size)
    yield "deep-quote", fill("<blockquote>", size)
    yield "deep-table", fill("<table><tr><td>", size)
    yield "closed", fill("<div>", size // 2) + fill("</div>", size // 2)
    yield "foster", "<table>" + fill("<b>x", size)
    yield "foster-table", fill("<table><b>x", size)
    yield "foster-text", fill("<table>x<a>y", size)
    yield "table-rows", "<table>" + fill("<tr><td>", size)
    yield "caption", fill("<table><caption><table>", size)
    yield "colgroup", "<table>" + fill("<colgroup><col>", size)
    yield "attributes", "<p " + " ".join(f"a{i}=1" for i in range(size // 8)) + ">" + TEXT
    yield "attributes-many", fill("<p " + " ".join(f"a{i}" for i in range(400)) + ">", size)
    yield "html-again", "".join(f"<html a{i}=1>" for i in range(size // 14))
    yield "body-again", "".join(f"<body a{i}=1>" for i in range(size // 14))
    yield "template", fill("<template>", size)
    yield "template-table", fill("<template><table><tr>", size)
    yield "select", "<select>" + fill("<option>", size)
    yield "select-deep", fill("<select><optgroup><option><b>", size)
    yield "svg", fill("<svg><foreignObject>", size)
    yield "svg-desc", fill("<svg><desc><p>", size)
    yield "svg-title", fill("<svg><title><b>", size)
    yield "math", fill("<math><mi>", size)
    yield "math-annotation", fill("<math><annotation-xml encoding=text/html><p>", size)
    yield "svg-font", fill("<svg><font color=1>", size)
    yield "svg-table", fill("<svg><foreignObject><table><b>", size)
    yield "entities", fill("&notit;&ngE;&CounterClockwiseContourIntegral;", size)
    yield "entity-numbers", fill("&#x1F600;&#0;&#xFFFFFFFFFFFF;", size)
    yield "entity-long", "&" + "a" * size
    yield "nul", fill("\0a", size)
    yield "form", fill("<form><p>", size)
    yield "button", fill("<button><p>", size)
    yield "heading", fill("<h1><h2>", size)
    yield "ruby", fill("<ruby><rb><rtc><rp>", size)
    yield "marquee", fill("<marquee><applet><object><b>", size)
    yield "plaintext", "<plaintext>" + fill("<b>", size)
    yield "frameset", fill("<frameset><frame>", size)
    yield "iframe", fill("<iframe>", size)
    yield "noscript", fill("<noscript><img src=x>", size)
    yield "image", fill("<img src=//e.org/a.jpg srcset='a 1x, b 2x, c 3x'>", size)
    yield "srcset", "<img srcset='" + fill("a.jpg 1x, ", size) + "'>"
    yield "style", "<p style='" + fill("background:url(a.jpg);", size) + "'>x"
    yield "style-element", "<style>" + fill("a{background:url(a.jpg)}", size) + "</style>"
    yield "style-open", "<p style='" + fill("url((", size) + "'>x"
    yield "quotes", "<p a=\"" + fill("'\"", size) + ">x"
    yield "less", fill("<", size)
    yield "less-letter", fill("<a ", size)
    yield "slash", fill("</", size)
    yield "unclosed-tag", "<a " + fill("x", size)
    yield "cdata", fill("<![CDATA[x", size)
    yield "script", fill("<script><!--<script>", size)
    yield "textarea", fill("<textarea>", size)
    yield "li", "<ul>" + fill("<li>x", size)
    yield "dd", fill("<dd><dt>", size)
    yield "p-a", fill("<p><a href=x>y", size)
    yield "address", fill("<a href='java&Tab;script:x'>y</a>", size)
    yield "words", "<p>" + fill("word ", size)
    yield "one-word", "<p>" + "w" * size
    yield "brs", fill("<br>", size)
    yield "links", fill("<a href=/x>link</a> ", size)
    yield "ids", "".join(f"<p id=i{i} class='c{i} d{i}'>x</p>" for i in range(size // 30))
    yield "ld-json", "<script type=application/ld+json>" + "[" * (size // 2) + "]" * (size // 2) + "</script>"
    yield "metas", fill("<meta property=og:title content=x>", size)
    yield "bases", fill("<base href=//a/b/c/>", size)
    yield "bidi", "<p>" + fill("\u202eא a", size // 3)
    yield "figures", fill("<figure><img src=a.jpg><figcaption>", size)
    yield "pre", fill("<pre><code>", size)
    yield "players", fill("<iframe src=//www.youtube.com/embed/x></iframe>", size)
    yield "paragraphs", fill(f"<p>{TEXT}</p>", size)


def page(storm):
    return (f"<!DOCTYPE html><html><head><title>T</title></head><body><article><p>{TEXT * 9}</p>"
            f"{storm}</article></body></html>").encode("utf-8", "surrogatepass")


def pages(size):
    """(name, bytes) of whole pages."""
    for name, storm in storms(size):
        yield name, page(storm)
    yield "heads", (f"<article><p>{TEXT}" + "</head><body><article><p>x" * (size // 27)).encode()
    yield "bytes", bytes(range(256)) * (size // 256)
    yield "utf-16", b"\xff\xfe" + page("<b a=1><p>x" * (size // 24)).decode().encode("utf-16-le")
    yield "nothing", b""
