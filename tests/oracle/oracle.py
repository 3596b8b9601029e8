"""Runs documents through the built binary and compares what independent parsers read (rules 1-10)."""

import argparse
import collections
import html
import json
import multiprocessing
import pathlib
import re
import subprocess
import sys
import time
import warnings
from xml.parsers import expat

import feedparser
from lxml import etree

import facts
import views
from places import PROXY, canonical, same, tokens, unproxied

URL = "http://127.0.0.1:8097/tests/feed.xml"
FOOTER = "ORACLE-FOOTER"
OWN_DIV = re.compile(rf"(<div[^>]*>)?<p>{FOOTER}</p>(</div>)?")
# Keys that this version does not know are left out (see `configuration`).
OFF = {"envelope": '"keep"', "repair": "false", "promote_images": "false", "drop_trackers": "false",
       "absolute_links": "false", "sanitize": '"off"', "image_attributes": "{}"}
MODES = {
    "identity": OFF,
    "images": {**OFF, "images": '"weserv"'},
    "wrap": {**OFF, "footer": f"'<p>{FOOTER}</p>'"},
    "repair": {**OFF, "repair": "true"},
    "facts": {**OFF, "header": f"'{facts.TEMPLATE}'"},
    "everything": {"images": '"any"', "header": "'<p>ORACLE-HEADER</p>'",
                   "footer": f"'<p>{FOOTER}</p>'", "clean_links": "true", "linked_images": "true",
                   "media": "true", "sanitize": '"strict"'},
}
HEADER = re.compile(rb"^Header:\s+([^:]+):(.+)$", re.M)
EXPECT = re.compile(rb"Description:\s*(.*?)\s*Expect:\s*(.*)\s*-->")
SKIP = re.compile(rb"SkipUnless:\s*(.*?)\n")
PROXIED = re.compile(re.escape(PROXY) + r"[A-Za-z0-9\-_.!~*()%]*")
PLACE_CHARS = 8192
WHOLE = ("identity", "images", "repair")
# Where feedparser is not the measure, and why.
OTHERWISE = {
    "bozo_invalid-bytes-with-bom.xml": "behind a mark of UTF-8 all that is UTF-8 is kept; feedparser takes "
                                       "the whole for windows-1252",
    "bozo_linenoise.xml": "noise that fits no charset",
    "bozo_encoding_mismatch_crash.xml": "what says UTF-8 and nearly is stays UTF-8; feedparser takes it for windows-1252",
}

# Encodings that the Encoding Standard lacks, which feedparser reads by Python's codecs. Such a feed is refused by its
# encoding's name: there is no version of ours to compare.
REFUSED_ENCODINGS = {"EBCDIC", "mac-greek", "mac-iceland", "mac-latin2", "mac-turkish"}
REFUSED_BY_ENCODING = re.compile(rb"^error: this is no feed: text in the unsupported encoding (\S+); the service would refuse it$", re.M)

warnings.simplefilter("ignore")


def configuration(folder, keys_file):
    known = set(re.findall(r"^#([a-z_]+) = ", pathlib.Path(keys_file).read_text(), re.M))
    known |= {"header", "footer", "images"}
    # One that is said to serve audio and video too.
    lines = ["[image_proxy.any]", f'template = "{PROXY}{{url_enc}}"']
    for mode, options in MODES.items():
        lines += ["[[feed]]", f'name = "{mode}"', f'url = "{URL}"']
        lines += [f"{key} = {value}" for key, value in options.items() if key in known]
    path = pathlib.Path(folder) / "oracle.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


def rewrite(options, mode, data, content_type):
    done = run(options, mode, data, content_type)
    return done.stdout, done.returncode


def refused_encoding(options, data, content_type):
    """The encoding that a document is refused for, where it is one of those that are."""
    done = run(options, options.modes[0], data, content_type)
    named = REFUSED_BY_ENCODING.search(done.stderr)
    name = named.group(1).decode() if named else None
    return name if name in REFUSED_ENCODINGS and done.returncode == 1 else None


def run(options, mode, data, content_type):
    command = [options.binary, "rewrite", "--config", options.toml, "--feed", mode, "--url", URL]
    if content_type:
        command += ["--content-type", content_type]
    done = subprocess.run(command, input=data, capture_output=True, timeout=60)
    if done.returncode not in (0, 1) or b"panicked" in done.stderr:
        raise RuntimeError(f"exit {done.returncode}: {done.stderr[-500:]!r}")
    return done


def parse(data, headers):
    return feedparser.parse(data, response_headers=headers, sanitize_html=False,
                            resolve_relative_uris=False)


def decoded_text(data):
    """The document's text where it is UTF-8; UTF-16 and UTF-32 without a mark only look so."""
    try:
        return data.decode("utf-8") if b"\0" not in data else None
    except UnicodeDecodeError:
        return None


def relabelled(text):
    return re.sub(r"""(<\?xml[^>]*?encoding\s*=\s*["'])[^"']*""", r"\1", text[:1024], count=1) + text[1024:]


def structure(before, after, bases):
    """Rule 9: all but proxied addresses is the same text."""
    at, end = 0, 0
    spans = list(PROXIED.finditer(after)) + [None]
    start = 0
    for span in spans:
        literal = after[start:span.start() if span else len(after)]
        if not before.startswith(literal, at):
            return f"at {at}: {before[at:at + 120]!r} → {literal[:120]!r}"
        at += len(literal)
        if span is None:
            return None if at == len(before) else f"{len(before) - at} characters lost at the end"
        start = span.end()
        if before.startswith(span[0], at):
            at += len(span[0])
            continue
        tail = after[start:start + 48]
        cut = PROXIED.search(after, start)
        if cut and cut.start() < start + 48:
            tail = after[start:cut.start()]
        end = at
        for _ in range(40):
            end = before.find(tail, end + 1, at + PLACE_CHARS) if tail else len(before)
            if end < 0 or is_address(before[at:end], span[0], bases):
                break
        if end < 0 or not is_address(before[at:end], span[0], bases):
            return f"at {at}: {before[at:at + 160]!r} → {span[0]!r:.200}"
        at = end
    return None


def is_address(raw, proxied, bases):
    for text in (raw, html.unescape(raw), html.unescape(html.unescape(raw)), raw.replace("\\/", "/")):
        text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda hit: chr(int(hit[1], 16)), text)
        if same(text, proxied, bases):
            return True
        if "\\" in text and same(re.sub(r"\\(.)", r"\1", text), proxied, bases):
            return True
    return False


def can_be_read(raw):
    """Whether feedparser says that it can read its own document here, with this Python's codecs."""
    skip = SKIP.search(raw)
    try:
        return not skip or bool(eval(skip[1].decode(), {"__builtins__": __builtins__}))
    except Exception:
        return False


def expectation(raw):
    hit = EXPECT.search(raw)
    return hit[2].decode("utf-8", "replace") if hit and can_be_read(raw) else None


def expects(text, data, headers):
    import datetime
    found = feedparser.parse(data, response_headers=headers)
    try:
        return bool(eval(text, {"feedparser": feedparser, "datetime": datetime}, found))
    except Exception:
        return False


def check(job):
    """Everything about one document: counts, and a list of (mode, rule, what)."""
    options, number, path = job
    raw = path.read_bytes()
    found, counts = [], collections.Counter(documents=1)
    headers = {name.decode().lower().strip(): value.decode("utf-8", "replace").strip()
               for name, value in HEADER.findall(raw)} if "feedparser" in str(path) else {}
    if "content-encoding" in headers or "/compression/" in str(path):
        return path, {"compressed, left out": 1}, []
    if path.name in OTHERWISE or not can_be_read(raw):
        return path, {"not to be judged by feedparser": 1}, []
    sent = headers.get("content-type")
    refused = refused_encoding(options, raw, sent)
    if refused:
        return path, {f"refused: {refused}": 1}, []
    served = {**headers, "content-type": (sent or "application/xml").split(";")[0] + "; charset=utf-8"}
    text = decoded_text(raw)
    is_json = (text or "").lstrip("\ufeff \t\r\n").startswith("{")
    original = parse(raw, headers)
    expected = expectation(raw)
    plain_text = None
    for mode in options.modes:
        try:
            out, code = rewrite(options, mode, raw, sent)
            # That twice is once is known from the other modes.
            again = out if mode == "facts" else rewrite(options, mode, out, served["content-type"])[0]
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            found.append((mode, "runs", str(error)))
            continue
        counts["refused" if code else "rewritten"] += mode == "identity"
        if again != out:
            found.append((mode, "8", difference(out, again)))
        result = out.decode("utf-8", "replace")
        if mode == "identity":
            plain_text = result
            if text is not None and relabelled(text) != relabelled(result):
                found.append((mode, "O1", difference(raw, out)))
        if mode == "repair" and plain_text is not None and not is_json:
            repaired(plain_text, (result, code), found, counts)
        (check_json if is_json else check_feed)(options, mode, (path, text, plain_text, result, out, code),
                                               (original, served, number), found, counts)
        if expected and mode in ("identity", "images") and not is_json:
            hold(expected, mode, (raw, headers), (out, served), result, found, counts)
    return path, counts, found


def repaired(before, after, found, counts):
    """What strict parsers read is not touched; what they reject they read once it is repaired."""
    result, code = after
    if is_well_formed(before):
        counts["repair: well-formed documents"] += 1
        # We send it as UTF-8, whatever charset it names; a name that nobody knows is mended.
        if relabelled(before) != relabelled(result):
            found.append(("repair", "10", difference(before, result)))
        return
    counts["repair: documents that libxml2 or expat rejects"] += 1
    if is_well_formed(result):
        counts["repair: of which both read our version"] += 1
    else:
        counts["repair: of which rejected still, " + ("and refused by us" if code else "and served")] += 1


def is_well_formed(text):
    data = text.encode("utf-8", "surrogatepass")
    try:
        expat.ParserCreate("utf-8", " ").Parse(data, True)
        etree.fromstring(data, etree.XMLParser(encoding="utf-8", huge_tree=True, resolve_entities=False))
    except (expat.ExpatError, etree.XMLSyntaxError):
        return False
    return True


def difference(one, two):
    at = next((at for at, pair in enumerate(zip(one, two)) if pair[0] != pair[1]), min(len(one), len(two)))
    return f"at {at}: {one[max(at - 40, 0):at + 120]!r} → {two[max(at - 40, 0):at + 120]!r}"


def check_feed(options, mode, texts, known, found, counts):
    path, _, plain_text, result, out, code = texts
    original, served, number = known
    parsed = parse(out, served)
    before, after = views.view(original), views.view(parsed)
    bases = views.bases_of(original, plain_text or result, URL)
    if mode in WHOLE:
        differences = []
        if mode == "repair":
            declared_only(before, after)
        views.walk([], before, after, bases, differences)
        found += [(mode, "1-3", text) for text in differences]
    elif len(before["entries"]) != len(after["entries"]):
        found.append((mode, "1", f"{len(before['entries'])} → {len(after['entries'])} entries"))
    else:
        for at, (one, two) in enumerate(zip(before["entries"], after["entries"])):
            for key in ("id", "published", "updated", "author", "tags"):
                if one.get(key) != two.get(key):
                    found.append((mode, "1", f"entry {at} {key}: {one.get(key)!r:.200} → {two.get(key)!r:.200}"))
    if not original.bozo and parsed.bozo:
        found.append((mode, "6", f"no longer well-formed: {parsed.get('bozo_exception')}"))
    if original.bozo and mode == "repair" and not parsed.bozo:
        counts["repaired for feedparser"] += 1
    counts[f"{mode}: proxied"] += result.count(PROXY)
    if mode in ("images", "everything") and not code:
        found += [(mode, "5", leak) for leak in views.leaks_of(after)]
    if mode == "images" and plain_text is not None:
        # Where rules may change texts the declaration names UTF-8, which is what we send.
        wrong = structure(relabelled(plain_text), relabelled(result), bases)
        if wrong:
            found.append((mode, "9", wrong))
        for ending, data in ((".x", plain_text), (".y", result)):
            (pathlib.Path(options.work) / f"{number}{ending}").write_text(data)
    if mode == "facts" and not code:
        told(options, (path, number), original, [facts.of_entry(entry) for entry in after["entries"]], bases,
             found, counts)
    if mode in ("wrap", "everything") and not code:
        footers(mode, original, after, result, found, counts)


def told(options, document, original, ours, bases, found, counts):
    """F: what templates are told is what feedparser reads; what rss-parser reads is compared later."""
    path, number = document
    if len(ours) != len(original.entries):
        return
    for at, values in enumerate(ours):
        counts["facts: items"] += 1
        if values is None:
            counts["facts: of which bear no header"] += 1
            continue
        found += [("facts", f"F {field}", f"entry {at}: {what}")
                  for field, what in facts.against_feedparser(str(path), values, original, at, bases)]
    (pathlib.Path(options.work) / f"{number}.facts").write_text(json.dumps([ours, bases]))


MARKED = re.compile(r"<!--feedwright:(header|footer)-->.*?<!--/feedwright:\1-->", re.S)
UNFIT = re.compile(r"""<(summary|content)(\s[^>]*(mode=.base64|type=.application/octet)[^>]*>|>[^<]*<[a-z])""")
# What an entry says, as opposed to what it is.
TEXTS = {"content", "summary", "summary_detail", "subtitle", "subtitle_detail"}


def footers(mode, original, after, result, found, counts):
    """Rule 7: one footer an entry, where a reader sees it; without it every entry is what it was."""
    bare = [entry for entry in after["entries"] if FOOTER not in str(entry) and has_only_text(entry, result)]
    entries = len(original.entries) - len(bare)
    counts[f"{mode}: entries"] += entries
    counts[f"{mode}: entries whose only text can't carry HTML"] += len(bare)
    counts[f"{mode}: footers"] += result.count(FOOTER)
    if result.count(FOOTER) != entries:
        found.append((mode, "7", f"{result.count(FOOTER)} footers, {entries} entries"))
    for at, (before, entry) in enumerate(zip(original.entries, after["entries"])):
        # feedparser gives a field of text under several names.
        shown = [part.get("value", "") for part in entry.get("content", [])] + [entry.get("summary", "")]
        shown.append(entry.get("subtitle", ""))
        if entry in bare:
            continue
        if not any(FOOTER in text for text in shown):
            if stands_in(entry.get("summary", ""), "itunes:summary", result):
                counts[f"{mode}: of which feedparser shows itunes:summary instead"] += 1
            else:
                found.append((mode, "7", f"entry {at} shows no footer"))
        if mode == "wrap" and not original.bozo:
            found += [(mode, "7", f"entry {at}: {what}") for what in unlike(views.plain(before), entry)]


def stands_in(text, name, result):
    """Whether an element of that name holds this text."""
    held = re.findall(rf"<{name}[^>]*>(.*?)</{name}>", result, re.S)
    return bool(text) and any(html.unescape(one).strip() == html.unescape(text).strip() for one in held)


def has_only_text(entry, result):
    """A plain media:description, base64, or markup that nobody declared (docs/configuration.md)."""
    return stands_in(entry.get("summary", ""), "media:description", result) or UNFIT.search(result)


def unlike(before, after):
    """What differs in an entry once header and footer are taken out."""
    found = [f"other {key}" for key in set(before) | set(after)
             if key not in TEXTS and before.get(key) != after.get(key)]
    one, two = words(before), words(after)
    if one != two:
        found.append(f"other text: {one[:300]!r} → {two[:300]!r}")
    return found


def words(entry):
    """The text that a reader sees of an entry, without our header and footer."""
    parts = entry.get("content") or [entry.get("summary_detail") or {}]
    texts = []
    for part in parts:
        value = part.get("value") or ""
        if part.get("type") != "text/plain":
            # feedparser leaves comments out of inline XHTML, and so our marks.
            value = OWN_DIV.sub("", MARKED.sub("", value))
            value = "".join(data for kind, data, _ in tokens(value) if kind == "Text")
            value = html.unescape(value)
        texts.append(value)
    return " ".join(" ".join(texts).split())


def declared_only(before, after):
    """Leaves out what is seen only since a prefix is declared, or by the loose parser alone."""
    after["namespaces"] = {name: uri for name, uri in (after["namespaces"] or {}).items()
                           if name in (before["namespaces"] or {})}
    for view in (before, after):
        view["feed"].pop("rdf_rdf", None)


def check_json(_, mode, texts, known, found, counts):
    text, result, code = texts[1], texts[3], texts[5]
    try:
        before = views.json_view(text)
    except ValueError:
        return
    try:
        after = views.json_view(result)
    except ValueError as error:
        found.append((mode, "O5", f"no JSON any more: {error}"))
        return
    counts["JSON"] += mode == "identity"
    if mode in WHOLE:
        bases = [URL, before.get("home_page_url", "")] + [
            item.get("url", "") for item in before.get("items", []) if isinstance(item, dict)]
        if views.key_order(before) != views.key_order(after):
            found.append((mode, "O5", "other keys or another order"))
        differences = []
        views.walk([], before, after, [base for base in bases if base], differences)
        found += [(mode, "O5", what) for what in differences]
    elif mode == "facts":
        return
    elif not code and result.count(FOOTER) != len(before.get("items", [])):
        found.append((mode, "7", f"{result.count(FOOTER)} footers, {len(before['items'])} items"))
    if mode in ("images", "everything") and not code:
        found += [(mode, "5", leak) for leak in views.leaks_of(after)]


def hold(expected, mode, before, after, result, found, counts):
    if not expects(expected, *before):
        counts[f"O3 {mode}: not true of the original"] += 1
    elif expects(expected, *after):
        counts[f"O3 {mode}: hold"] += 1
    elif re.search(r"\b(encoding|bozo|headers|bozo_exception)\b", expected):
        counts[f"O3 {mode}: about the charset or how it was sent"] += 1
    elif mode == "images" and any(address in expected or canonical(address) in expected for address in
                                  (unproxied(hit[0]) or "" for hit in PROXIED.finditer(result))):
        counts[f"O3 {mode}: name a rewritten address"] += 1
    else:
        found.append((mode, "O3", expected))


def second_opinion(options, names, found, counts):
    """O4: rss-parser, which settles nothing: what it sees otherwise is to be looked at."""
    numbers = [number for number in names if (pathlib.Path(options.work) / f"{number}.y").exists()]
    paths = "\n".join(f"{options.work}/{number}{ending}" for number in numbers for ending in (".x", ".y"))
    here = pathlib.Path(__file__).parent
    done = subprocess.run(["node", here / "rss.mjs", options.node], input=paths, text=True,
                          capture_output=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    for number, before, after in zip(numbers, lines[::2], lines[1::2]):
        if before is None:
            counts["O4: not read by rss-parser"] += 1
            if after is not None:
                counts["O4: read only after the rewriting"] += 1
            continue
        counts["O4: read by rss-parser"] += 1
        text = (pathlib.Path(options.work) / f"{number}.x").read_text()
        parsed = {"feed": {"link": (before or {}).get("link")}, "entries": before.get("items", [])}
        differences = []
        opinions(before, after, views.bases_of(parsed, text, URL), differences)
        found[names[number]] += [("images", "O4", what) for what in differences]
        compared(options, (number, str(names[number])), before, found[names[number]])


def compared(options, document, before, found):
    """F: what templates are told is what rss-parser reads."""
    number, name = document
    told = pathlib.Path(options.work) / f"{number}.facts"
    items = before.get("items", [])
    ours, bases = json.loads(told.read_text()) if told.exists() else ([], [])
    if len(ours) != len(items):
        return
    for at, (values, item) in enumerate(zip(ours, items)):
        if values:
            found += [("facts", f"F {field}", f"entry {at}: {what}")
                      for field, what in facts.against_rss_parser(name, values, item, bases)]


def opinions(before, after, bases, differences, path=()):
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict) and list(before) == list(after):
        for key in before:
            if not key.endswith("nippet"):
                opinions(before[key], after[key], bases, differences, (*path, key))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for at, pair in enumerate(zip(before, after)):
            opinions(*pair, bases, differences, (*path, at))
    elif isinstance(before, str) and isinstance(after, str):
        if not same(before, after, bases) and views.compare(before, after, bases):
            differences.append(f"{path}: {before!r:.200} → {after!r:.200}")
    else:
        differences.append(f"{path}: {before!r:.200} → {after!r:.200}")


def arguments():
    parser = argparse.ArgumentParser(prog="tests/oracle/run")
    for name in ("binary", "work", "node", "keys"):
        parser.add_argument(f"--{name}", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--only", default="", help="documents whose path holds this")
    parser.add_argument("--mode", choices=MODES, action="append", help="one configuration")
    parser.add_argument("--all", action="store_true", help="print every difference, not the first of each")
    parser.add_argument("folders", nargs="+")
    options = parser.parse_args()
    options.modes = options.mode or list(MODES)
    options.toml = str(configuration(options.work, options.keys))
    return options


def main():
    options, begun = arguments(), time.monotonic()
    paths = sorted({path for folder in options.folders for path in pathlib.Path(folder).rglob("*")
                    if path.is_file() and path.suffix in (".xml", ".json", ".atom", ".rss", ".rdf")
                    and options.only in str(path)})
    if not paths:
        sys.exit("oracle: no documents")
    totals, found = collections.Counter(), collections.defaultdict(list)
    with multiprocessing.Pool(2) as pool:
        jobs = [(options, number, path) for number, path in enumerate(paths)]
        for path, counts, problems in pool.imap_unordered(check, jobs, chunksize=8):
            totals.update(counts)
            found[path] += problems
    if "images" in options.modes:
        second_opinion(options, dict(enumerate(paths)), found, totals)
    rules = collections.Counter()
    for path in sorted(found):
        seen = set()
        for mode, rule, what in found[path]:
            rules[f"rule {rule}, {mode}"] += 1
            if options.all or (mode, rule) not in seen:
                print(f"{path}: {mode}, rule {rule}: {what}")
            seen.add((mode, rule))
    for name, count in [*sorted(totals.items()), *sorted(rules.items())]:
        print(f"{count:8} {name}")
    failed = sum(count for name, count in rules.items() if not name.startswith("rule O4"))
    print(f"{time.monotonic() - begun:.0f} s; {failed} differences in "
          f"{sum(any(rule != 'O4' for _, rule, _ in problems) for problems in found.values())} documents")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
