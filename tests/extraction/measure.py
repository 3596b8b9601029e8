"""How well extractors find an article's text, and what of its images, captions, links, headings, lists, tables,
quotes, code and players they keep.

usage: measure.py CHECKOUT OUTPUTS

CHECKOUT is a checkout of scrapinghub/article-extraction-benchmark, whose evaluate.py judges the text. OUTPUTS holds
NAME.json for each extractor: from the page's name to the HTML (or, for NAME.txt.json, the text) that came out.

The benchmark tells the text of an article and nothing else, so what of the page's markup belongs to the article is found
from it: links, headings, items and so on count where their text stands in the article's, images and players where they
stand between its first and its last paragraph, lead images between its title and its first paragraph.
"""
import gzip
import json
import re
import sys
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from lxml import html as lxml_html

BLOCKS = set(
    "address article aside blockquote br dd details div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 "
    "header hr iframe img li main nav ol p pre section summary table td th tr ul video".split()
)
AROUND = re.compile(
    r"(^|[\s_-])(relat|recirc|recommend|share|social|promo|advert|ad|ads|newsletter|taboola|outbrain|sidebar|footer|nav|menu|"
    r"trending|most-read|author|byline|comment|subscri|logo|avatar|icon|teaser|more-)", re.I
)
PLAYERS = re.compile(r"youtube|youtu\.be|vimeo|dailymotion|soundcloud|spotify|bandcamp|twitch|facebook\.com/plugins/video", re.I)
KINDS = ["images", "lead images", "captions", "links", "headings", "items", "tables", "quotes", "code", "players"]


def fold(text):
    return " ".join(re.findall(r"\w+", text or "")).lower()


def parse(text):
    # lxml reads a declaration in a str as an error.
    return lxml_html.document_fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", text) or "<p></p>")


def text_of(markup, with_captions=True):
    """The text of HTML, its blocks on lines of their own."""
    if not markup.strip():
        return ""
    out = []

    def walk(node):
        if not isinstance(node.tag, str) or node.tag in ("script", "style", "noscript", "iframe"):
            return
        if node.tag == "figcaption" and not with_captions:
            return
        around = "\n" if node.tag in BLOCKS else ""
        out.append(around + (node.text or ""))
        for child in node:
            walk(child)
            out.append(child.tail or "")
        out.append(around)

    walk(parse("<div>" + markup + "</div>"))
    return "".join(out)


def names(address):
    """What addresses of one image in several sizes have in common: the file's name."""
    path = unquote(urlsplit(address.strip()).path).rstrip("/")
    parts = [part for part in path.split("/") if part]
    file = re.sub(r"\.(jpe?g|png|webp|gif|avif)$", "", parts[-1], flags=re.I) if parts else ""
    return re.sub(r"[-_](\d+x\d+|scaled|\d{2,4}w?)$", "", file).lower()


def image_names(node):
    found = []
    for name, value in node.attrib.items():
        if name in ("src", "data-src", "data-original", "data-lazy-src", "data-url", "data-hi-res-src"):
            found.append(value)
        elif name.endswith("srcset"):
            found.extend(part.split()[0] for part in re.split(r",\s+", value) if part.strip())
    return {names(value) for value in found if value and not value.startswith("data:")} - {""}


class Page:
    """What of a page's markup belongs to its article."""

    def __init__(self, markup, article):
        self.article = f" {fold(article)} "
        self.root = parse(markup)
        self.wanted = {kind: [] for kind in KINDS}
        body = self.root.find("body")
        nodes = [] if body is None else [node for node in body.iter() if isinstance(node.tag, str)]
        texts = [i for i, node in enumerate(nodes) if node.tag in ("p", "div", "li", "span", "td") and self.tells(node)]
        if not texts:
            return
        first, last = texts[0], texts[-1]
        title = max((i for i, node in enumerate(nodes[:first]) if node.tag == "h1"), default=first)
        for i, node in enumerate(nodes[title : last + 1], title):
            if not self.is_around(node):
                self.see(node, i >= first)

    def tells(self, node):
        """A paragraph of the article: its own text, long enough to be nothing else."""
        own = fold((node.text or "") + "".join(child.tail or "" for child in node))
        text = fold(node.text_content()) if node.tag != "div" else own
        return len(own) > 30 and f" {text[:200].rsplit(' ', 1)[0]} " in self.article

    def has(self, text, least=1):
        text = fold(text)
        return len(text) >= least and f" {text} " in self.article

    @staticmethod
    def is_around(node):
        while node is not None:
            if node.tag in ("nav", "aside", "footer", "form", "button", "noscript"):
                return True
            if node.tag not in ("html", "body", "article", "main"):
                called = f"{node.get('class', '')} {node.get('id', '')}"
                if len(called) < 200 and AROUND.search(called) and len(node.text_content()) < 4000:
                    return True
            node = node.getparent()
        return False

    def see(self, node, is_inside):
        text, wanted = node.text_content(), self.wanted
        if node.tag == "img":
            called = image_names(node)
            sizes = [node.get(side, "") for side in ("width", "height")]
            is_small = any(size.isdigit() and int(size) < 100 for size in sizes)
            link = next((up for up in node.iterancestors("a")), None)
            leads_away = link is not None and not re.search(r"\.(jpe?g|png|webp|gif)|#", link.get("href", "#"), re.I)
            if called and not is_small and not leads_away:
                wanted["images" if is_inside else "lead images"].append(called)
        elif node.tag == "figcaption" and len(fold(text)) > 10:
            wanted["captions"].append(fold(text))
        elif not is_inside:
            return
        elif node.tag == "a" and node.get("href", "#")[:1] not in "#j" and self.has(text, 4):
            above = next((up for up in node.iterancestors("p", "li", "td", "blockquote")), None)
            if above is not None and self.has(above.text_content()[:200].rsplit(" ", 1)[0], 20):
                wanted["links"].append((fold(text), urlsplit(node.get("href")).path.rstrip("/")))
        elif node.tag in ("h2", "h3", "h4", "h5", "h6") and self.has(text, 4):
            wanted["headings"].append(fold(text))
        elif node.tag == "li" and self.has(text, 12):
            wanted["items"].append(fold(text))
        elif node.tag == "table" and self.has(text[:200].rsplit(" ", 1)[0], 30):
            wanted["tables"].append(fold(text)[:80])
        elif node.tag == "blockquote" and self.has(text, 20):
            wanted["quotes"].append(fold(text)[:120])
        elif node.tag == "pre" and self.has(text, 10):
            wanted["code"].append(fold(text)[:80])
        elif node.tag in ("iframe", "amp-youtube") and PLAYERS.search(node.get("src") or node.get("data-src") or ""):
            wanted["players"].append(urlsplit(node.get("src") or node.get("data-src")).path)


def kept(page, markup):
    """For each kind how many there are, and how many of them are in `markup`."""
    root = parse("<div>" + markup + "</div>")

    def texts(*tags):
        return " | ".join(fold(node.text_content()) for node in root.iter(*tags))

    images = set().union(*[image_names(node) for node in root.iter("img", "graphic", "source")] or [set()])
    links = {(fold(node.text_content()), urlsplit(node.get("href", "")).path.rstrip("/")) for node in root.iter("a")}
    everything = fold(root.text_content())
    frames = " ".join(node.get("src", "") + node.get("href", "") for node in root.iter("iframe", "a", "video", "embed"))
    headings, items = texts("h1", "h2", "h3", "h4", "h5", "h6"), texts("li", "item")
    tables, quotes, code = texts("table"), texts("blockquote", "q", "quote"), texts("pre", "code")
    tests = {
        "images": lambda called: bool(called & images),
        "lead images": lambda called: bool(called & images),
        "captions": lambda text: text[:60] in everything or text[-60:] in everything,
        "links": lambda link: link in links,
        "headings": lambda text: text in headings,
        "items": lambda text: text in items,
        "tables": lambda text: text in tables,
        "quotes": lambda text: text in quotes,
        "code": lambda text: text in code,
        "players": lambda path: path in frames,
    }
    return {kind: (len(wanted), sum(map(tests[kind], wanted))) for kind, wanted in page.wanted.items()}


def main():
    checkout, outputs = Path(sys.argv[1]), Path(sys.argv[2])
    sys.path.insert(0, str(checkout))
    import evaluate

    truth = json.loads((checkout / "ground-truth.json").read_text())
    pages = {}
    for key, page in truth.items():
        markup = gzip.decompress((checkout / "html" / f"{key}.html.gz").read_bytes()).decode("utf-8", "replace")
        pages[key] = Page(markup, page["articleBody"])
    print("text".ljust(28), "F1     precision recall | without captions F1")
    for path in sorted(outputs.glob("*.json")):
        found = json.loads(path.read_text())
        is_text = path.name.endswith(".txt.json")

        def judge(read):
            predicted = {key: {"articleBody": read(found.get(key) or "")} for key in truth}
            return evaluate.evaluate(truth, predicted, 2)

        if is_text:
            score = judge(str)
            print(path.stem.ljust(28), f"{score['f1']:.4f} {score['precision']:.4f}    {score['recall']:.4f}")
            continue
        score, bare = judge(text_of), judge(lambda markup: text_of(markup, with_captions=False))
        print(path.stem.ljust(28), f"{score['f1']:.4f} {score['precision']:.4f}    {score['recall']:.4f} | {bare['f1']:.4f}")
    print()
    print("kept".ljust(16), *(kind.rjust(14) for kind in KINDS))
    for path in sorted(outputs.glob("*.json")):
        if path.name.endswith(".txt.json"):
            continue
        found = json.loads(path.read_text())
        sums = {kind: [0, 0] for kind in KINDS}
        for key, page in pages.items():
            for kind, (all_, there) in kept(page, found.get(key) or "").items():
                sums[kind][0] += all_
                sums[kind][1] += there
        cells = [f"{there}/{all_}".rjust(14) for all_, there in sums.values()]
        print(path.stem.ljust(16), *cells)


if __name__ == "__main__":
    main()
