"""Pages through `extract` and feeds through `rewrite`, each a process of its own: processor time and memory of each."""

import os
import resource
import subprocess
import tempfile
import time

import corpus
from service import MIB

# What stands beside the proportion: start of the process, the allocator.
SECONDS, SECONDS_PER_MB = 0.15, 0.030
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


def limit():
    # Whatever happens, the machine stays usable.
    resource.setrlimit(resource.RLIMIT_CPU, (90, 90))


def run(command, data, folder):
    """(exit code, wall seconds, processor seconds, bytes at its peak)."""
    path = os.path.join(folder, "input")
    with open(path, "wb") as file:
        file.write(data)
    begun = time.monotonic()
    with open(path, "rb") as given:
        process = subprocess.Popen(command, stdin=given, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, preexec_fn=limit)
        _, code, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(code)
    return process.returncode, time.monotonic() - begun, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024


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
        prefix = options.kind if options.kind[:4] in ("page", "feed") else ""
        for kind, name, content_type, data in corpus.cases(options.folder, None, prefix or "page"):
            if kind.startswith("page"):
                judge(rows, wrong, "extract", name, data, run(extract, data, folder), rest["extract"])
        for kind, name, content_type, data in corpus.cases(options.folder, None, prefix or "feed"):
            if kind.startswith("feed"):
                for rules in ("plain", "strict"):
                    command = [*rewrite, rules, "--content-type", content_type]
                    judge(rows, wrong, f"rewrite {rules}", name, data, run(command, data, folder), rest["rewrite"])
    return table(rows), wrong


def judge(rows, wrong, what, name, data, ran, rest):
    code, wall, used, peak = ran
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
        # Twice the proportion is a machine with others on it; more is another order.
        if used > SECONDS + rest[2] + 2 * SECONDS_PER_MB * megabytes:
            reasons.append(f"{(used - rest[2]) / megabytes * 1000:.0f} ms/MB")
        if peak > rest[3] + 10 * len(data) + 16 * MIB:
            reasons.append(f"{(peak - rest[3]) / len(data):.0f} times its bytes")
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
