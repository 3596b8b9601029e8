"""Where image URLs stand in HTML, read by html5lib and by nothing of ours."""

import collections
import re
from urllib.parse import unquote, urljoin, urlsplit

from html5lib._tokenizer import HTMLTokenizer
from html5lib.constants import tokenTypes

KINDS = {number: name for name, number in tokenTypes.items()}
RAW = {"style": "rawtextState", "script": "scriptDataState", "textarea": "rcdataState",
       "title": "rcdataState", "xmp": "rawtextState", "iframe": "rawtextState",
       "noembed": "rawtextState", "noframes": "rawtextState"}
LAZY = {"data-src", "data-original", "data-lazy-src", "data-lazy", "data-orig-file", "data-large-file",
        "data-medium-file", "data-actualsrc", "data-hi-res-src", "data-original-src", "data-echo",
        "data-fallback-src", "data-image", "data-img", "data-full-src", "data-canonical-src",
        "data-lowsrc", "data-bg", "data-background", "data-poster", "data-flickity-lazyload",
        "data-ratio-src", "lowsrc", "lazysrc", "file", "zoomfile", "original", "real_src", "data-url",
        "data-cfsrc", "data-full-url", "data-img-src", "data-orig", "data-original-mos", "data-high-res-src",
        "data-src-retina", "data-src-bg", "data-delay", "data-normal", "data-mobile-src", "data-lazyload",
        "data-background-image"}
SHOWING = {"img", "image", "amp-img", "amp-anim", "a-img"}
IMAGE_URL = re.compile(r"(https?:)?//[^?#]*\.(jpe?g|jfif|a?png|gif|webp|avif|svg|bmp|ico|jxl|heic|tiff?)(?![A-Za-z0-9])", re.I)
LAZY_SETS = {"data-srcset", "data-lazy-srcset", "data-original-set", "data-flickity-lazyload-srcset",
             "imagesrcset"}
PROXY = "https://images.weserv.nl/?url="
PROXIES = re.compile(r"^(https?:)?//([^/?#]*\.)?(images\.weserv\.nl|wsrv\.nl|wp\.com|camo\.githubusercontent\.com)(?=[/?#:]|$)", re.I)
CSS_URL = re.compile(r"""url\(\s*(?:"((?:[^"\\\n]|\\.)*)"|'((?:[^'\\\n]|\\.)*)'|((?:[^\s"'()\\]|\\.)*))\s*\)""", re.I | re.S)
CSS_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})\s?|\n|(.))", re.S)


def place(tag, name, attributes):
    """"url", "set", "css", "document" or None: what the value holds, and (second) whether it must be proxied."""
    tag = tag.lower()
    name = name.lower()
    if name == "style":
        return "css", True
    if tag == "img" and name == "src" or tag == "amp-img" and name == "src":
        return "url", True
    if name == "srcset" and tag in ("img", "source", "amp-img"):
        return "set", True
    if tag == "source" and name == "src":
        return "url", False
    if tag == "video" and name == "poster":
        return "url", True
    if tag == "input" and name == "src":
        return "url", attributes.get("type", "").lower() == "image"
    if tag == "image" and name in ("href", "xlink:href", "src"):
        return "url", True
    if name == "background" and tag in ("table", "td", "th", "tr", "body"):
        return "url", tag in ("table", "td", "body")
    if tag == "iframe" and name == "srcdoc":
        return "document", True
    if (tag, name) in (("object", "data"), ("embed", "src"), ("link", "href")):
        return "url", False
    if name in ("mask", "cursor"):
        return "css", True
    if name in LAZY or re.fullmatch("data-[0-9]+src", name):
        return "url", False
    if name in LAZY_SETS:
        return "set", False
    value = (attributes.get(name) or "").strip()
    may_hold = name.startswith("data-") or tag in SHOWING and name not in ("alt", "title")
    if may_hold and IMAGE_URL.match(value):
        return ("set", False) if re.search(r"\s", value) else ("url", True)
    return None, False


def tokens(html):
    """html5lib's tokens with text joined; <noscript> is read as browsers without scripts do."""
    tokenizer = HTMLTokenizer(html)
    found, seen = [], collections.Counter()
    ends = collections.Counter(hit.lower() for hit in re.findall(r"</([a-z]+)", html, re.I))
    for token in tokenizer:
        kind = KINDS[token["type"]]
        if kind == "ParseError":
            continue
        if kind in ("Characters", "SpaceCharacters"):
            if found and found[-1][0] == "Text":
                found[-1] = ("Text", found[-1][1] + token["data"], found[-1][2])
            else:
                raw = found[-1][1] if found and found[-1][0] == "StartTag" else ""
                found.append(("Text", token["data"], raw))
        elif kind in ("StartTag", "EmptyTag"):
            found.append(("StartTag", token["name"], list(token["data"].items())))
            name = token["name"].lower()
            state = RAW.get(name)
            # Raw text without an end holds nothing: many readers know none.
            if state and not token.get("selfClosing") and ends[name] > seen[name]:
                tokenizer.state = getattr(tokenizer, state)
        elif kind == "EndTag":
            seen[token["name"].lower()] += 1
            found.append(("EndTag", token["name"], None))
        elif kind == "Comment":
            found.append(("Comment", token["data"], None))
        else:
            found.append((kind, token["name"], (token.get("publicId"), token.get("systemId"))))
    return found


def candidates(srcset):
    """The addresses and descriptors of the HTML standard's parser (4.8.4.3.9)."""
    at, found, blank = 0, [], " \t\n\f\r"
    while True:
        while at < len(srcset) and srcset[at] in blank + ",":
            at += 1
        if at >= len(srcset):
            return found
        start = at
        while at < len(srcset) and srcset[at] not in blank:
            at += 1
        url, descriptors = srcset[start:at], ""
        if url.endswith(","):
            url = url.rstrip(",")
        else:
            start, depth = at, 0
            while at < len(srcset) and (depth or srcset[at] != ","):
                depth += (srcset[at] == "(" and not depth) - (srcset[at] == ")" and depth > 0)
                at += 1
            descriptors = " ".join(srcset[start:at].split())
        found.append((url, descriptors))


def css_addresses(css):
    """Addresses in url(), unescaped, and the style sheet with a hole for each."""
    def unescape(text):
        return CSS_ESCAPE.sub(
            lambda hit: chr(min(int(hit[1], 16), 0x10FFFF)) if hit[1] else (hit[2] or ""), text)
    found = [unescape(next((group for group in hit.groups() if group is not None), ""))
             for hit in CSS_URL.finditer(css)]
    return found, CSS_URL.sub("url()", css)


def addresses(kind, value):
    if kind == "url":
        return [value]
    if kind == "set":
        return [url for url, _ in candidates(value)]
    return css_addresses(value)[0]


def unproxied(value):
    """The address that a proxied one stands for, or None."""
    return unquote(value[len(PROXY):]) if value.startswith(PROXY) else None


def canonical(address):
    """An address in a form in which two spellings of one are equal."""
    address = re.sub(r"[\t\r\n]", "", address.strip("".join(map(chr, range(33)))))
    address = re.sub(r"^(https?):/*", r"\1://", address.replace("\\", "/"), flags=re.I)
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "")
        port = parts.port
    except ValueError:
        return address
    try:
        host = unquote(host).encode("idna").decode()
    except UnicodeError:
        pass
    path = unquote(urlsplit(urljoin(f"http://host{parts.path or '/'}", parts.path or "/")).path)
    port = "" if port in (None, {"http": 80, "https": 443}.get(parts.scheme)) else f":{port}"
    return f"{parts.scheme}://{host.lower()}{port}{path or '/'}?{unquote(parts.query)}"


def same(before, after, bases):
    """Whether `after` is `before` or the image proxy's address for it, from one of `bases`."""
    if before == after:
        return True
    meant = unproxied(after)
    if meant is None:
        return False
    target = canonical(meant)
    before = before.strip()
    return any(canonical(join(base, before)) == target for base in ["", *bases])


def join(base, address):
    try:
        return urljoin(base, address) if base else address
    except ValueError:
        return address


def leaks(value):
    """Whether an address that must be proxied is not."""
    value = value.strip()
    if not re.match(r"(https?:)?//[^/]", value, re.I) or PROXIES.match(value):
        return False
    try:
        return bool(urlsplit(value if value[0] != "/" else "http:" + value).hostname)
    except ValueError:
        return False


def compare(before, after, bases):
    """Differences between two texts of HTML beyond proxied addresses."""
    if before == after:
        return []
    one, two = tokens(before), tokens(after)
    if [token[0] for token in one] != [token[0] for token in two]:
        return [f"other tokens: {before[:300]!r} → {after[:300]!r}"]
    found = []
    for left, right in zip(one, two):
        if left == right:
            continue
        if left[0] == "Text" and left[2] == "style":
            found += compare_values("css", left[1], right[1], bases)
        elif left[0] == "Comment" and left is one[-1]:
            # One without an end: many readers show what follows.
            found += compare(left[1], right[1], bases)
        elif left[0] != "StartTag" or left[1] != right[1]:
            found.append(f"{left!r:.300} → {right!r:.300}")
        elif [name for name, _ in left[2]] != [name for name, _ in right[2]]:
            found.append(f"attributes: {left!r:.300} → {right!r:.300}")
        else:
            for (name, value), (_, new) in zip(left[2], right[2]):
                if value != new:
                    kind, _ = place(left[1], name, dict(left[2]))
                    if kind is None:
                        found.append(f"<{left[1]} {name}>: {value!r:.200} → {new!r:.200}")
                    else:
                        found += compare_values(kind, value, new, bases)
    return found


def compare_values(kind, before, after, bases):
    if kind == "document":
        return compare(before, after, bases)
    if kind == "set":
        one, two = candidates(before), candidates(after)
        rest = [words for _, words in one] == [words for _, words in two]
        one, two = [url for url, _ in one], [url for url, _ in two]
    elif kind == "css":
        (one, first), (two, second) = css_addresses(before), css_addresses(after)
        rest = first == second
    else:
        one, two, rest = [before], [after], True
    if rest and len(one) == len(two) and all(same(a, b, bases) for a, b in zip(one, two)):
        return []
    return [f"{kind}: {before!r:.300} → {after!r:.300}"]


def html_leaks(html):
    found = []
    for kind, name, data in tokens(html):
        if kind == "Text" and data == "style":
            found += [url for url in css_addresses(name)[0] if leaks(url)]
        if kind == "StartTag":
            for attribute, value in data:
                what, must = place(name, attribute, dict(data))
                if what == "document":
                    found += html_leaks(value)
                elif must:
                    found += [f"<{name} {attribute}> {url}" for url in addresses(what, value) if leaks(url)]
    return found
