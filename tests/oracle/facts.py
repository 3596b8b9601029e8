"""What templates are told of an item, against what feedparser and rss-parser read in the publisher's document."""

import html
import json
import re
import time
from email.utils import parseaddr

from places import canonical, join

MARK = "\u241e"
START, END = f"FACTS{MARK}", f"{MARK}FACTS"
NAMES = ("link", "title", "author", "published", "feed_title")
TEMPLATE = (START + MARK.join(("{{ item.link }}", "{{ item.title }}", "{{ item.author }}",
                               "{{ item.published | iso }}", "{{ feed.title }}")) + END)
FOUND = re.compile(re.escape(START) + "(.*?)" + re.escape(END), re.S)

FIRST = "of several the first counts, of which feedparser takes the last"
ID = "an id that is no web address is no link"
BASE64 = "texts in base64 are not decoded"
SOURCE = "the authors of an entry's source stand in (RFC 4287 4.2.1)"
HEADER = "a Content-Location header is no base"
CDF = "Microsoft's CDF is passed on, and told of no more than RSS"
# Where the two see something else, and why that is right: a part of the document's path, the field, the reason.
EXPLAINED = [
    ("entry_created_multiple_values", "date", FIRST),
    ("entry_updated_multiple_values", "date", FIRST),
    ("entry_published_parsed_date_overwriting", "date", FIRST),
    ("entry_id_with_attributes", "link", ID),
    ("node_precedence/atom10_id", "link", ID),
    ("http_entry_id_base_", "link", ID),
    ("http_content_language_entry_title_inherit", "link", ID),
    ("atom_atom_example_7", "link", ID),
    ("atom_atom_pub_spec_1", "link", ID),
    ("pappacoda.atom", "link", "an alternate that is no HTML leads further than an id that is no web address"),
    ("kc0011.rss", "date", "feedparser reads the month of 2020/1/10 as 11"),
    ("rss2_rss_2.0_nbcny.xml", "date", "feedparser passes over PM"),
    ("OneFootTsunami.atom", "link", "an empty href is no link; the id is a web address"),
    ("atom10/entry_link_rel_", "link", "rss-parser takes the first link, whatever it is to the entry"),
    ("atom10/entry_link_length", "link", "rss-parser takes the first link, whatever it is to the entry"),
    ("entry_title_naked_markup", "title", "rss-parser takes the text before the first tag"),
    ("title_base64", "title", BASE64),
    ("entry_title_content_mode_base64", "title", BASE64),
    ("atom10/entry_source_author", "author", SOURCE),
    ("base_content_location", "link", HEADER),
    ("/cdf", "link", CDF),
    ("/cdf", "date", CDF),
    ("entry_title_crazy", "title", "a whole HTML document in a title: its scripts are text to none of the two"),
    ("item_category_image", "title", "the title is that of an image inside the item"),
]


def of_html(text):
    """The values in a field of HTML, or None."""
    hit = FOUND.search(text or "")
    return dict(zip(NAMES, map(html.unescape, hit[1].split(MARK)))) if hit else None


def of_entry(entry):
    shown = [part.get("value", "") for part in entry.get("content", [])]
    shown += [entry.get("summary", ""), entry.get("subtitle", "")]
    return next(filter(None, map(of_html, shown)), None)


def of_json(result):
    try:
        items = json.loads(result).get("items", [])
    except (ValueError, AttributeError):
        return []
    return [of_html(item.get("content_html", "")) for item in items if isinstance(item, dict)]


def plain(text):
    """A text without tags, as people read it: they see no scripts and no style sheets."""
    shown = re.sub(r"<(script|style)\b[^<>]*>.*?</\1\s*>", "", text or "", flags=re.S | re.I)
    return " ".join(html.unescape(re.sub(r"<[^<>]*>", "", shown)).split())


def readings(text):
    """Ours is plain text, but for RSS, where nobody knows: there tags are kept as they are."""
    return {plain(text), " ".join(text.split()), " ".join(html.unescape(text).split())}


def explained(name, field):
    return any(part in name and field == known for part, known, _ in EXPLAINED)


def same_link(ours, theirs, bases):
    if not ours or not theirs:
        return not ours and not theirs
    return any(canonical(join(base, theirs.strip())) == canonical(ours) for base in ("", *bases))


def stamp(parsed):
    try:
        return parsed and time.strftime("%Y-%m-%dT%H:%M:%S", parsed)
    except (ValueError, TypeError):
        return None


def people(entry):
    found = [entry.get("author", ""), *(one.get(key, "") for one in entry.get("authors", []) for key in ("name", "email"))]
    detail = entry.get("author_detail", {})
    found += [detail.get("name", ""), detail.get("email", "")]
    return {plain(one) for one in found if one}


def against_feedparser(name, ours, parsed, at, bases):
    """(field, what) for each difference."""
    entry, feed, found = parsed.entries[at], parsed.feed, []
    if not same_link(ours["link"], entry.get("link", ""), bases):
        found.append(("link", f"{entry.get('link')!r} → {ours['link']!r}"))
    if plain(entry.get("title")) not in readings(ours["title"]):
        found.append(("title", f"{entry.get('title')!r:.200} → {ours['title']!r:.200}"))
    named = people(entry) or people(feed) | {""}
    if plain(ours["author"]) not in named:
        found.append(("author", f"{sorted(named)!r:.200} → {ours['author']!r:.200}"))
    dates = [stamp(entry.get(f"{key}_parsed")) for key in ("published", "created", "updated") if f"{key}_parsed" in entry]
    dates = [date for date in dates if date]
    if dates and ours["published"][:19] not in dates:
        found.append(("date", f"{entry.get('published', entry.get('updated'))!r} {dates} → {ours['published']!r}"))
    if plain(feed.get("title")) not in readings(ours["feed_title"]):
        found.append(("feed.title", f"{feed.get('title')!r:.200} → {ours['feed_title']!r:.200}"))
    return [(field, what) for field, what in found if not explained(name, field)]


def text_of(value):
    """rss-parser gives what it did not expect as it was parsed."""
    return value if isinstance(value, str) else None


def against_rss_parser(name, ours, item, bases):
    found = []
    link, title = text_of(item.get("link", "")), text_of(item.get("title", ""))
    if link and not same_link(ours["link"], link, bases):
        found.append(("link", f"rss-parser: {link!r} → {ours['link']!r}"))
    if title and plain(title) not in readings(ours["title"]):
        found.append(("title", f"rss-parser: {title!r:.200} → {ours['title']!r:.200}"))
    named = {text_of(item.get(key)) for key in ("author", "creator", "dc:creator")} - {None, ""}
    named |= {parseaddr(one)[0] for one in named}
    if named and plain(ours["author"]) not in {plain(one) for one in named}:
        found.append(("author", f"rss-parser: {sorted(named)!r:.200} → {ours['author']!r:.200}"))
    date = text_of(item.get("isoDate"))
    if date and ours["published"][:19] != date[:19]:
        found.append(("date", f"rss-parser: {item.get('pubDate', item.get('date'))!r} {date} → {ours['published']!r}"))
    return [(field, what) for field, what in found if not explained(name, field)]
