"""What feedparser and plain JSON read in two versions of a document, compared."""

import json
import re

from places import compare, html_leaks, leaks, same

# Kept out: what says how a document was carried, and second spellings of other keys.
DROPPED = {"headers", "href", "encoding", "bozo_exception", "bozo", "status", "etag", "modified",
           "modified_parsed", "updated_parsed"}
HTML_KEYS = {"summary", "subtitle", "description", "info", "rights", "tagline", "copyright", "content",
             "content_html"}
URL_PARENTS = {"enclosures", "media_content", "media_thumbnail", "image", "links", "itunes_image",
               "googleplay_image", "gd_image"}
URL_KEYS = {"url", "href", "logo", "icon", "image", "banner_image", "favicon", "avatar", "src",
            "thumbnail", "smallimage", "bigimage"}


def is_html(path, parent):
    last = path[-1]
    if last == "value":
        owner = path[-2] if isinstance(path[-2], str) else path[-3]
        if owner == "title_detail":
            return parent.get("type") in ("text/html", "application/xhtml+xml")
        return owner == "content" or owner.removesuffix("_detail") in HTML_KEYS
    return last in HTML_KEYS or last == "title"


def is_url(path, parent):
    names = [part for part in path if isinstance(part, str)]
    if names[-1] not in URL_KEYS:
        return False
    # feedparser gives the address of an item's <image> to the item.
    if names == ["entries", "href"]:
        return True
    if "links" in names:
        return parent.get("rel") == "enclosure" or parent.get("type", "").startswith("image/")
    return len(names) >= 1 and (names[-1] not in ("href", "url") or any(
        name in URL_PARENTS or name in ("attachments",) for name in names[:-1]))


def walk(path, before, after, bases, found, parent=None):
    if before == after or len(found) > 20:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        if list(before) != list(after) and set(before) ^ set(after):
            found.append(f"{path}: other keys {set(before) ^ set(after)}")
        for key in before:
            if key in after and not (key in DROPPED and len(path) < 2):
                walk([*path, key], before[key], after[key], bases, found, before)
    elif isinstance(before, list) and isinstance(after, list):
        if len(before) != len(after):
            found.append(f"{path}: {len(before)} → {len(after)}")
        for at, pair in enumerate(zip(before, after)):
            walk([*path, at], *pair, bases, found, before)
    elif isinstance(before, str) and isinstance(after, str):
        parent = parent if isinstance(parent, dict) else {}
        if is_url(path, parent) and same(before, after, bases):
            return
        if is_html(path, parent):
            found += [f"{path}: {text}" for text in compare(before, after, bases)]
        else:
            found.append(f"{path}: {before!r:.200} → {after!r:.200}")
    else:
        found.append(f"{path}: {before!r:.200} → {after!r:.200}")


def plain(value):
    """feedparser's dictionaries as plain ones, with the keys that are there."""
    if isinstance(value, dict):
        return {key: plain(dict.__getitem__(value, key)) for key in dict.keys(value)}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def view(parsed):
    whole = plain(parsed)
    return {key: whole.get(key) for key in ("version", "namespaces", "feed", "entries")}


def bases_of(parsed, text, url):
    """Every base that a relative address may have; which one counts is the rewriter's own tests'."""
    from places import join
    site = parsed.get("feed", {}).get("link", "")
    links = [site, *(entry.get("link", "") for entry in parsed.get("entries", []))]
    links = [link for link in links if isinstance(link, str)]
    found = [url, *links, *(join(base, link) for link in links for base in (url, join(url, site)))]
    declared = re.findall(r"""(?:xml:base|<base[^>]{0,200}?href)\s*=\s*["']?([^"'>\s]+)""", text[:2_000_000])
    found += [join(base, one) for one in declared for base in (url, *declared[:8])]
    return list(dict.fromkeys(base for base in found if base and isinstance(base, str)))


def leaks_of(view, must_media=False):
    """Image URLs in a view that no proxy stands before (rule 5)."""
    found = []

    def look(path, value, parent):
        if isinstance(value, dict):
            for key, child in value.items():
                look([*path, key], child, value)
        elif isinstance(value, list):
            for at, child in enumerate(value):
                look([*path, at], child, value)
        elif isinstance(value, str) and path:
            parent = parent if isinstance(parent, dict) else {}
            detail = path[-1] == "value" and parent.get("type") == "text/plain"
            # Titles are never touched, images in them included.
            is_title = path[-1] == "title" or "title_detail" in path
            if is_html(path, parent) and not is_title and not detail:
                found.extend(f"{path}: {leak}" for leak in html_leaks(value))
            elif is_image(path, parent) and leaks(value):
                found.append(f"{path}: {value}")

    look([], view, None)
    return found


def is_image(path, parent):
    names = [part for part in path if isinstance(part, str)]
    if names[-1] in ("logo", "icon", "banner_image", "favicon", "avatar"):
        return True
    if names[-1] not in ("href", "url", "image"):
        return False
    owner = names[-2] if len(names) > 1 else ""
    if owner in ("enclosures", "links", "attachments"):
        kind = parent.get("type", parent.get("mime_type", ""))
        return kind.startswith("image/") and (owner != "links" or parent.get("rel") == "enclosure")
    if owner == "media_content":
        return parent.get("medium") == "image" or parent.get("type", "").startswith("image/")
    if owner == "image":
        return names[-1] in ("href", "url")
    return owner == "media_thumbnail" or names[-1] == "image"


def json_view(text):
    """A JSON Feed with its numbers as text and its keys in order."""
    return json.loads(text, parse_float=lambda n: f"number {n}", parse_int=lambda n: f"number {n}")


def key_order(value):
    if isinstance(value, dict):
        return [(key, key_order(child)) for key, child in value.items()]
    if isinstance(value, list):
        return [key_order(child) for child in value]
    return None
