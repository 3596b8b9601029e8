"""Pages through `extract` and feeds through `rewrite`, each a process of its own: processor time and memory of each."""

import json
import os
import subprocess
import sys
import tempfile
import time

import corpus
from service import MIB

# What stands beside the proportion: start of the process, the allocator.
SECONDS, SECONDS_PER_MB = 0.15, 0.030
# Rules that build trees take this many times what they take for ordinary text, at most.
TIMES_ORDINARY = 10
PAGE_SECONDS, PAGE_BYTES = 2.0, 128 * MIB
CONFIG = """
[[feed]]
name = "plain"
url = "http://e.org/"
images = "builtin"
[[feed]]
name = "strict"
url = "http://e.org/"
images = "builtin"
sanitize = "strict"
remove_elements = [".ad"]
"""


# A process of its own between this one and the command: what the kernel says of a child's memory at its peak is
# never less than what its parent held when it was started. Whatever happens, the machine stays usable.
RUNNER = """
import json, os, resource, subprocess, sys, time
resource.setrlimit(resource.RLIMIT_CPU, (90, 90))
begun = time.monotonic()
with open("output", "wb") as output:
    process = subprocess.Popen(sys.argv[1:], stdout=output, stderr=subprocess.DEVNULL)
    _, code, used = os.wait4(process.pid, 0)
    seconds = time.monotonic() - begun
    print(json.dumps([os.waitstatus_to_exitcode(code), seconds, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024, os.path.getsize("output")]))
"""


def run(command, data, folder):
    """(exit code, wall seconds, processor seconds, bytes at its peak, bytes of output)."""
    path = os.path.join(folder, "input")
    with open(path, "wb") as file:
        file.write(data)
    with open(path, "rb") as given:
        return json.loads(subprocess.check_output([sys.executable, "-S", "-c", RUNNER, *command], stdin=given, cwd=folder))


def ordinary(items):
    """A feed of about so many KB, as publishers write it."""
    text = "&lt;p&gt;Some words with a &lt;a href='https://e.org/'&gt;link&lt;/a&gt; and &lt;b&gt;weight&lt;/b&gt;.&lt;/p&gt;" * 9
    return ("<rss version='2.0'><channel><title>t</title>" + "".join(
        f"<item><guid>{n}</guid><description>{text}</description></item>" for n in range(items)) + "</channel></rss>").encode()


def measure(options):
    """The table as text, and what was wrong."""
    rows, wrong = [], []
    binary = os.path.abspath(options.binary)
    with tempfile.TemporaryDirectory(prefix="feedwright-hostile-") as folder:
        config = os.path.join(folder, "feedwright.toml")
        with open(config, "w") as file:
            file.write(CONFIG + '\n[image]\nkey = "a key of sixteen bytes or more"\n[store]\npath = ""\n')
        rewrite = [binary, "rewrite", "--config", config, "--feed"]
        extract = [binary, "extract", "--url", "https://example.org/a"]
        rest = {"rewrite": run([*rewrite, "plain"], b"<rss version='2.0'><channel/></rss>", folder),
                "extract": run(extract, b"<p>x", folder)}
        feed = ordinary(2_000)
        per_mb = {rules: (run([*rewrite, rules], feed, folder)[2] - rest["rewrite"][2]) / len(feed) * 1e6 for rules in ("plain", "strict")}
        print(f"seconds of the processor for 1 MB of ordinary text: {per_mb['plain']:.3f}, strict {per_mb['strict']:.3f}", flush=True)
        prefix = options.kind if options.kind[:4] in ("page", "feed") else ""
        for kind, name, content_type, data in corpus.cases(options.folder, None, prefix or "page"):
            if kind.startswith("page"):
                judge(rows, wrong, "extract", name, data, run(extract, data, folder), (rest["extract"], 0))
        for kind, name, content_type, data in corpus.cases(options.folder, None, prefix or "feed"):
            if kind.startswith("feed"):
                for rules in ("plain", "strict"):
                    command = [*rewrite, rules, "--content-type", content_type]
                    expected = 2 * SECONDS_PER_MB if rules == "plain" else TIMES_ORDINARY * per_mb[rules]
                    judge(rows, wrong, f"rewrite {rules}", name, data, run(command, data, folder), (rest["rewrite"], expected))
    return table(rows), wrong


def judge(rows, wrong, what, name, data, ran, bounds):
    rest, seconds_per_mb = bounds
    code, wall, used, peak, written = ran
    reasons = []
    if code < 0 or code > 2:
        reasons.append(f"ended with {code}")
    megabytes = len(data) / 1e6
    if what == "extract":
        if wall > PAGE_SECONDS + 0.5 and used > PAGE_SECONDS:
            reasons.append(f"{wall:.1f} s")
        if peak > PAGE_BYTES + rest[3]:
            reasons.append(f"{peak // MIB} MiB")
    else:
        # Of plain rules twice the proportion is a machine with others on it; more is another order.
        if used > SECONDS + rest[2] + seconds_per_mb * megabytes:
            reasons.append(f"{(used - rest[2]) / megabytes * 1000:.0f} ms/MB")
        # What is written stands in memory too, once it is longer than what was read.
        if peak > rest[3] + 20 * (len(data) + written) + 16 * MIB:
            reasons.append(f"{(peak - rest[3]) / (len(data) + written):.0f} times its bytes")
    rows.append((what, name, len(data), code, wall, used, peak, "; ".join(reasons)))
    print(f"{what:15} {name:44} {len(data):>9} {code:>4} {wall:>6.2f}s {used:>6.2f}s {peak // MIB:>5} MiB {'; '.join(reasons)}", flush=True)
    if reasons:
        wrong.append((f"{what} {name}", reasons))


def table(rows):
    lines = ["| command | inputs | seconds, most | processor seconds, most | ms/MB above 0.5 MB, most | MiB, most | wrong |", "|---|---|---|---|---|---|---|"]
    for what in dict.fromkeys(row[0] for row in rows):
        some = [row for row in rows if row[0] == what]
        large = [row[5] / row[2] * 1e9 for row in some if row[2] > 500_000] or [0]
        lines.append(f"| {what} | {len(some)} | {max(r[4] for r in some):.2f} | {max(r[5] for r in some):.2f} | {max(large):.0f} | "
                     f"{max(r[6] for r in some) // MIB} | {sum(bool(r[7]) for r in some)} |")
    lines += ["", "| command | input | bytes | exit | seconds | processor | MiB | wrong |", "|---|---|---|---|---|---|---|---|"]
    lines += [f"| {w} | {n} | {b} | {c} | {s:.2f} | {u:.2f} | {p // MIB} | {r} |" for w, n, b, c, s, u, p, r in rows]
    return "\n".join(lines)
