"""What a publisher or an origin may send to have something run, each with a script that says so."""

XHTML = "http://www.w3.org/1999/xhtml"
SVG = "http://www.w3.org/2000/svg"

# What each script does: it says where it runs, leaves something behind, and calls home.
SCRIPT = (
    "console.log('RAN NAME '+self.origin);"
    "try{localStorage.setItem('ran','NAME')}catch(e){}"
    "try{document.title='RAN NAME'}catch(e){}"
    "try{fetch('BEACON?NAME',{mode:'no-cors'})}catch(e){}"
)
# The same where quotes and less-than signs would end something: `on…` attributes, entities.
SHORT = "console.log(&quot;RAN NAME &quot;+self.origin)"


def rss(inside, root="", prolog="", item=""):
    """A feed with something in its channel, its root tag, before it and in an item."""
    return (
        f"<?xml version='1.0' encoding='utf-8'?>{prolog}<rss version='2.0' xmlns:h='{XHTML}' xmlns:s='{SVG}'{root}>"
        f"<channel><title>Hostile</title><link>http://hostile.example/</link><description>d</description>{inside}"
        f"<item><title>One</title><guid>1</guid><link>http://hostile.example/1</link>{item}"
        f"<description>text</description></item></channel></rss>"
    )


def frame(script):
    """A document in a frame's attribute."""
    return f"&lt;script&gt;{script}&lt;/script&gt;".replace("'", "&apos;")


RUN = f"<h:script>{SCRIPT}</h:script>"

FEEDS = {
    "script-in-channel": rss(RUN),
    "script-in-item": rss("", item=RUN),
    "script-in-title": rss("").replace("<title>One</title>", f"<title>One{RUN}</title>"),
    "script-in-copyright": rss(f"<copyright>{RUN}</copyright>"),
    "script-in-unknown": rss(f"<x><y>{RUN}</y></x>"),
    "script-of-svg": rss(f"<s:svg><s:script>{SCRIPT}</s:script></s:svg>"),
    "script-with-odd-prefix": rss(f"<_:script xmlns:_='{XHTML}'>{SCRIPT}</_:script>"),
    "script-with-default-namespace": rss(f"<script xmlns='{XHTML}'>{SCRIPT}</script>"),
    "script-by-data": rss("<h:script src='data:text/javascript,console.log(\"RAN NAME \"+self.origin)'/>"),
    "image-with-handler": rss(f"<h:img src='data:,' onerror='{SHORT}'/>"),
    "svg-with-handler": rss(f"<s:svg onload='{SHORT}'/>", item=f"<s:svg onload='{SHORT}'/>"),
    "focus-with-handler": rss(f"<h:input autofocus='' onfocus='{SHORT}'/>"),
    "details-with-handler": rss(f"<h:details open='' ontoggle='{SHORT}'>a</h:details>"),
    "animation-with-handler": rss(f"<s:svg><s:animate attributeName='x' dur='1s' onbegin='{SHORT}'/></s:svg>"),
    "frame-with-document": rss(f"<h:iframe srcdoc='{frame(SCRIPT)}'/>"),
    "frame-with-address": rss(f"<h:iframe src='javascript:{SHORT}'/>"),
    "object-with-document": rss("<h:object data='PUBLISHER/run.html'/>"),
    "embed-with-document": rss("<h:embed src='PUBLISHER/run.html' type='text/html'/>"),
    "refresh": rss("<h:meta http-equiv='refresh' content='0;url=PUBLISHER/run.html'/>"),
    "root-with-handler": rss("", root=f" xmlns='{XHTML}' tabindex='1' autofocus='' onfocus='{SHORT}'"),
    "entity": rss("&run;", prolog=f"<!DOCTYPE rss [<!ENTITY run \"<x xmlns:q='{XHTML}'><q:script>{SCRIPT}</q:script></x>\">]>"),
    "attribute-list": rss(f"<script>{SCRIPT}</script>", prolog=f"<!DOCTYPE rss [<!ATTLIST script xmlns CDATA #FIXED '{XHTML}'>]>"),
    "stylesheet": rss("", prolog="<?xml-stylesheet type='text/xsl' href='/mirror/plain/run.xsl'?>"),
    "stylesheet-by-data": rss("", prolog="<?xml-stylesheet type='text/xsl' href='data:text/xml,XSLT'?>"),
    "atom-with-xhtml": (
        f"<feed xmlns='http://www.w3.org/2005/Atom'><title>t</title><id>i</id><updated>2026-01-01T00:00:00Z</updated>"
        f"<subtitle type='xhtml'><div xmlns='{XHTML}'><script>{SCRIPT}</script></div></subtitle>"
        f"<entry><title>e</title><id>1</id><updated>2026-01-01T00:00:00Z</updated>"
        f"<content type='xhtml'><div xmlns='{XHTML}'><script>{SCRIPT}</script></div></content></entry></feed>"
    ),
    "atom-with-svg": (
        f"<feed xmlns='http://www.w3.org/2005/Atom'><title>t</title><id>i</id><updated>2026-01-01T00:00:00Z</updated>"
        f"<entry><title>e</title><id>1</id><updated>2026-01-01T00:00:00Z</updated>"
        f"<content type='image/svg+xml'><svg xmlns='{SVG}'><script>{SCRIPT}</script></svg></content></entry></feed>"
    ),
    "json": '{"version":"https://jsonfeed.org/version/1.1","title":"<script>SCRIPT</script>","items":[{"id":"1",'
    '"content_html":"<script>SCRIPT</script>"}]}'.replace("SCRIPT", SCRIPT.replace('"', '\\"')),
}
# Types that feeds come with; the first one says enough of most cases.
ANY_TYPE = ["application/xml", "text/xml", "application/rss+xml", "text/html", "application/xhtml+xml", None]
FEED_TYPES = {
    "script-in-channel": ANY_TYPE,
    "svg-with-handler": ANY_TYPE,
    "atom-with-xhtml": ["application/atom+xml", *ANY_TYPE],
    "json": ["application/json", "text/html", None],
}

PAGE = f"<!DOCTYPE html><html><head><title>t</title></head><body>a<script>{SCRIPT}</script></body></html>"
XPAGE = f"<html xmlns='{XHTML}'><head><title>t</title></head><body>a<script>{SCRIPT}</script></body></html>"
DRAWING = f"<svg xmlns='{SVG}' width='50' height='50' onload='{SHORT}'><rect width='9' height='9'/><script>{SCRIPT}</script></svg>"
FOREIGN = f"<svg xmlns='{SVG}'><foreignObject width='99' height='99'><body xmlns='{XHTML}'><script>{SCRIPT}</script></body></foreignObject></svg>"
PARTS = f"--b\r\nContent-Type: text/html\r\n\r\n{PAGE}\r\n--b--\r\n"
SAVED = f"From: a\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b; type=\"text/html\"\r\n\r\n--b\r\nContent-Type: text/html\r\nContent-Location: http://a.example/\r\n\r\n{PAGE}\r\n--b--\r\n"
XSLT = (
    "<xsl:stylesheet version='1.0' xmlns:xsl='http://www.w3.org/1999/XSL/Transform'><xsl:output method='html'/>"
    f"<xsl:template match='/'><html><body><script>{SCRIPT}</script></body></html></xsl:template></xsl:stylesheet>"
)

# What an origin answers: header fields (`:status` is the status) and a body.
MIRRORED = {
    "html": ([("content-type", "text/html; charset=utf-8")], PAGE),
    "html-odd-case": ([("content-type", "TeXt/HtMl;x=y")], PAGE),
    "html-without-type": ([], PAGE),
    "html-with-empty-type": ([("content-type", "")], PAGE),
    "html-as-unknown": ([("content-type", "unknown/unknown")], PAGE),
    "html-as-application-unknown": ([("content-type", "application/unknown")], PAGE),
    "html-as-anything": ([("content-type", "*/*")], PAGE),
    "html-as-half-a-type": ([("content-type", "html")], PAGE),
    "html-as-text": ([("content-type", "text/plain")], PAGE),
    "html-as-octets": ([("content-type", "application/octet-stream")], PAGE),
    "html-as-image": ([("content-type", "image/png")], PAGE),
    "html-as-unknown-image": ([("content-type", "image/x-unknown")], PAGE),
    "html-as-css": ([("content-type", "text/css")], PAGE),
    "html-as-script": ([("content-type", "text/javascript")], PAGE),
    "html-as-json": ([("content-type", "application/json")], PAGE),
    "html-as-pdf": ([("content-type", "application/pdf")], PAGE),
    "html-as-video": ([("content-type", "video/mp4")], PAGE),
    "html-as-font": ([("content-type", "font/woff2")], PAGE),
    "html-as-captions": ([("content-type", "text/vtt")], PAGE),
    "html-of-two-types": ([("content-type", "image/png"), ("content-type", "text/html")], PAGE),
    "html-of-two-types-turned": ([("content-type", "text/html"), ("content-type", "image/png")], PAGE),
    "html-in-a-list-of-types": ([("content-type", "image/png, text/html")], PAGE),
    "html-with-a-policy": ([("content-type", "text/html"), ("content-security-policy", "sandbox allow-scripts allow-same-origin")], PAGE),
    "html-not-found": ([(":status", "404"), ("content-type", "text/html")], PAGE),
    "html-failed": ([(":status", "500"), ("content-type", "text/html")], PAGE),
    "html-sent-on-nowhere": ([(":status", "302"), ("content-type", "text/html")], PAGE),
    "refresh": ([("content-type", "text/plain"), ("refresh", "0; url=PUBLISHER/run.html")], "a"),
    "xhtml": ([("content-type", "application/xhtml+xml")], XPAGE),
    "xml": ([("content-type", "application/xml")], XPAGE),
    "xml-as-text": ([("content-type", "text/xml")], XPAGE),
    "xml-of-some-kind": ([("content-type", "application/x-anything+xml")], XPAGE),
    "xml-as-image": ([("content-type", "image/x-anything+xml")], XPAGE),
    "xml-as-rss": ([("content-type", "application/rss+xml")], XPAGE),
    "xml-as-stylesheet": ([("content-type", "text/xsl")], XPAGE),
    "xml-with-stylesheet": ([("content-type", "text/xml")], "<?xml-stylesheet type='text/xsl' href='run.xsl'?><a/>"),
    "mathml": ([("content-type", "application/mathml+xml")], XPAGE),
    "svg": ([("content-type", "image/svg+xml")], DRAWING),
    "svg-odd-case": ([("content-type", "image/SVG+xml; charset=utf-8")], DRAWING),
    "svg-with-html": ([("content-type", "image/svg+xml")], FOREIGN),
    "parts": ([("content-type", "multipart/x-mixed-replace; boundary=b")], PARTS),
    "mail": ([("content-type", "message/rfc822")], SAVED),
    "saved-page": ([("content-type", "multipart/related; boundary=b")], SAVED),
}
