"""`tests/hostile/run cases`: what each hostile input costs the service, and who else is served meanwhile.

One input after the other goes through the running service: an image through `/image?url=…&w=100`, a feed through
`/feeds/…`, a page as the article that an item leads to. For each: the status, seconds, memory of the process and of
its children as the kernel counts it, how long a child went on, and the p99 of another client. Then pages and feeds
go through `extract` and `rewrite`, each a process of its own, with its processor time and memory.
Exit code 1 when something did not hold; the last lines name it.
"""

import argparse
import asyncio
import os
import signal
import sys
import time
from urllib.parse import quote

import command_line
import corpus
import make_png
from probe import Probe
from service import MIB, Sampler, Service, children, cpu_seconds
from wire import Publisher, get

# SVGs of these kinds are also asked for in a size at which they cost more.
LARGE = ("svg-given", "svg-layers", "svg-pattern", "svg-slow", "svg-nested", "svg-size", "svg-panic")
# What is not asked for at once is allowed this much beside the budgets: buffers, stacks, the allocator's rest.
SLACK = 48 * MIB
COLUMNS = ("case", "bytes", "status", "seconds", "busy", "parent MiB", "children MiB", "p99 ms", "alive", "wrong")


def parse(arguments):
    parser = argparse.ArgumentParser(prog="tests/hostile/run cases")
    parser.add_argument("--binary", default=os.environ.get("HOSTILE_DEFAULT_BINARY"))
    parser.add_argument("--folder", default="", help="cases of others")
    parser.add_argument("--kind", default="", help="only kinds that start so: svg, svg-slow, png, page, feed …")
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--out", default="target/hostile/cases")
    parser.add_argument("--p99", type=float, default=1.0, help="seconds that another client may wait")
    parser.add_argument("--work-timeout", type=float, default=10.0)
    parser.add_argument("--only-commands", action="store_true", help="only `extract` and `rewrite`")
    parser.add_argument("--only-service", action="store_true")
    return parser.parse_args(arguments)


class Run:
    """The publisher, the service, the other client, and the table."""

    def __init__(self, options):
        self.options = options
        self.current = {}
        self.rows, self.wrong = [], []
        self.number = 0
        self.served = {}

    def answer(self, path, head, reader, writer):
        if path.startswith("/good"):
            if path.endswith(".png"):
                return 200, "image/png", make_png.noisy(64, 48)
            if "canvas" in path:
                return 200, "image/png", make_png.noisy(1920, 1080)
            return 200, "application/rss+xml", b"<rss version='2.0'><channel><title>t</title><item><guid>1</guid><title>x</title></item></channel></rss>"
        number = path.rsplit("/", 1)[-1].split(".")[0]
        if path.startswith("/list/"):
            link = f"http://{self.publisher.address}/case/{number}.html"
            return 200, "application/rss+xml", (
                f"<rss version='2.0'><channel><title>t</title><item><guid>{link}</guid><link>{link}</link><title>x</title></item></channel></rss>").encode()
        self.served[number] = time.monotonic()
        kind, body = self.current.get(number, ("text/plain", b""))
        return 200, kind, body

    async def begin(self, feeds):
        self.publisher = await Publisher(self.answer).start()
        address = self.publisher.address
        parts = [f'[[feed]]\nname = "good"\nurl = "http://{address}/good"\nallow_private = ["{address}"]\nrefresh = "1d"\n']
        for number in range(feeds):
            common = f'allow_private = ["{address}"]\nrefresh = "1d"\n'
            parts.append(f'[[feed]]\nname = "p{number}"\nurl = "http://{address}/list/{number}"\nfull_text = true\n{common}')
            parts.append(f'[[feed]]\nname = "f{number}"\nurl = "http://{address}/case/{number}.xml"\n{common}')
        self.service = Service(self.options.binary, address, feeds="\n".join(parts),
                               image=f'work_timeout = "{int(self.options.work_timeout * 1000)}ms"')
        await self.start()

    async def start(self):
        self.service.start()
        self.sampler = Sampler(self.service)
        self.sampler.start()
        image = f"/image?url=http://{self.publisher.address}/good.png&w=20"
        # What the other client asks for is there before anything is attacked.
        for path in ("/feeds/good", image):
            await get(self.service.port, path)
        self.probe = Probe(self.service.port, ["/feeds/good", image, "/healthz"]).start()

    def end(self):
        self.probe.stop()
        self.sampler.running = False
        self.service.stop()

    async def seed(self):
        """An AVIF as large as the service makes them, or none."""
        for width, height in ((1920, 1080), (64, 64)):
            address = quote(f"http://{self.publisher.address}/good-canvas", safe="")
            answer = await get(self.service.port, f"/image?url={address}&w={width}&h={height}&fit=fill&output=avif", timeout=120)
            if answer.status == 200 and b"avif" in answer.body[:32]:
                return answer.body, width, height
        return None

    async def one(self, kind, name, content_type, data):
        await self.ask(kind, name, content_type, data, "w=100")
        if kind in LARGE:
            await self.ask(kind, f"{name} w=4000", content_type, data, "w=4000&h=4000")

    async def ask(self, kind, name, content_type, data, options):
        self.number += 1
        number = str(self.number)
        self.current = {number: (content_type, data)}
        await asyncio.sleep(0.05)
        self.probe.lap()
        self.sampler.lap()
        rest = self.sampler.lap()
        begun = time.monotonic()
        limit = self.options.work_timeout
        if kind.startswith("page"):
            status, seconds = await self.page(number)
            limit = 2.0
        elif kind.startswith("feed"):
            answer = await get(self.service.port, f"/feeds/f{number}", timeout=90)
            status, seconds = answer.status, answer.seconds
            limit = 10.0
        else:
            ending = name.split(" ")[0].rsplit(".", 1)[-1]
            address = quote(f"http://{self.publisher.address}/case/{number}.{ending}", safe="")
            more = "&n=-1" if kind in ("gif", "webp") else ""
            answer = await get(self.service.port, f"/image?url={address}&{options}{more}", timeout=90)
            status, seconds = answer.status, answer.seconds
        idle = await asyncio.to_thread(self.sampler.idle_after, limit + 5)
        other, peaks = self.probe.lap(), self.sampler.lap()
        self.judge(kind, name, len(data), status, seconds, idle, rest, peaks, other, limit)
        if not self.service.alive() or self.service.healthy() is None:
            self.service.keep_log(os.path.join(self.options.out, f"{name}.log"))
            self.keep(name, data)
            self.end()
            await asyncio.sleep(0.2)
            await self.start()

    async def page(self, number):
        """The article that an item leads to is fetched behind the reader's back: done when nothing computes any more."""
        answer = await get(self.service.port, f"/feeds/p{number}", timeout=30)
        begun = time.monotonic()
        while number not in self.served and time.monotonic() - begun < 10 and self.service.alive():
            await asyncio.sleep(0.02)
        begun = self.served.get(number, time.monotonic())
        quiet_since, used = time.monotonic(), -1.0
        while time.monotonic() - begun < 30 and self.service.alive():
            pids = [self.service.pid, *children(self.service.pid)]
            now = sum(cpu_seconds(pid) or 0.0 for pid in pids)
            if now - used > 0.03:
                quiet_since, used = time.monotonic(), now
            if time.monotonic() - quiet_since > 0.4:
                break
            await asyncio.sleep(0.05)
        return answer.status if number in self.served else -2, max(0.0, quiet_since - begun)

    def judge(self, kind, name, size, status, seconds, idle, rest, peaks, other, limit):
        wrong = []
        if not self.service.alive():
            wrong.append("the service died")
        elif status in (0, -1, -2):
            wrong.append({0: "no answer", -1: "no end", -2: "page never fetched"}[status])
        if seconds > limit + 1.0:
            wrong.append(f"took longer than {limit:g} s + 1 s")
        if idle is None or peaks["busy"] > limit + 1.0:
            wrong.append("a child goes on past the deadline")
        bound = self.service.memory_bytes + self.service.inflight_bytes + 100 * MIB
        if peaks["parent_own"] > bound:
            wrong.append(f"the process takes more than {bound // MIB} MiB")
        budget = 128 * MIB if kind.startswith("page") else self.service.work_bytes
        grown = max(peaks["children_own"], peaks["together"] - rest["together"] - 2 * size)
        if grown > budget + SLACK:
            wrong.append(f"the work takes more than {budget // MIB} MiB")
        if other["p99"] > self.options.p99:
            wrong.append(f"another client waits {other['p99']:.1f} s")
        if other["failed"]:
            wrong.append(f"another client got {other['failed']}")
        alive = "yes" if self.service.alive() else "NO"
        row = (name, size, status, f"{seconds:.2f}", f"{(idle if idle is not None else 99):.1f}", f"{peaks['parent_own'] / MIB:.0f}",
               f"{peaks['children_own'] / MIB:.0f}", f"{other['p99'] * 1000:.0f}", alive, "; ".join(wrong))
        self.rows.append((kind, row))
        print("{:44} {:>9} {:>4} {:>6}s {:>5}s {:>5} {:>5} {:>6}ms {:3} {}".format(*row), flush=True)
        if wrong:
            self.wrong.append((name, wrong))

    def keep(self, name, data):
        os.makedirs(self.options.out, exist_ok=True)
        with open(os.path.join(self.options.out, name.split(" ")[0]), "wb") as file:
            file.write(data)


def summary(rows):
    """One line per kind."""
    kinds = {}
    for kind, row in rows:
        kinds.setdefault(kind, []).append(row)
    lines = ["| kind | cases | died | seconds, most | parent MiB, most | children MiB, most | p99 of others ms, most | wrong |", "|---|---|---|---|---|---|---|---|"]
    for kind, some in kinds.items():
        most = [max(float(row[i]) for row in some) for i in (3, 5, 6, 7)]
        dead = sum(row[8] == "NO" for row in some)
        wrong = sum(bool(row[9]) for row in some)
        lines.append(f"| {kind} | {len(some)} | {dead} | {most[0]:.1f} | {most[1]:.0f} | {most[2]:.0f} | {most[3]:.0f} | {wrong} |")
    return "\n".join(lines)


async def through_the_service(options):
    run = Run(options)
    await run.begin(700)
    deadline = time.monotonic() + options.seconds
    try:
        seed = await run.seed() if options.kind[:4] in ("", "avif") else None
        if seed is None and options.kind[:4] in ("", "avif"):
            print("no AVIF could be made here: none are tried")
        made = corpus.cases(options.folder, seed, options.kind)
        while case := await asyncio.to_thread(next, made, None):
            if time.monotonic() > deadline:
                run.wrong.append(("", ["the time was over before the last case"]))
                break
            await run.one(*case)
    finally:
        run.end()
        run.service.keep_log(os.path.join(options.out, "service.log"))
    return run.rows, run.wrong


def main():
    # What was started ends with us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options = parse(sys.argv[1:])
    options.out = os.path.abspath(options.out)
    os.makedirs(options.out, exist_ok=True)
    rows, wrong = [], []
    if not options.only_commands:
        rows, wrong = asyncio.run(through_the_service(options))
    text = summary(rows) + "\n\n"
    if not options.only_service and options.kind[:4] in ("", "page", "feed"):
        some, more = command_line.measure(options)
        text += some
        wrong += more
    with open(os.path.join(options.out, "cases.md"), "w") as file:
        file.write(text + "\n\n| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|\n")
        file.writelines("| " + " | ".join(str(cell) for cell in row) + " |\n" for _, row in rows)
    print("\n" + text)
    for name, reasons in wrong:
        print(f"WRONG {name}: {'; '.join(reasons)}")
    print(f"{len(rows)} cases through the service, {len(wrong)} wrong; the table is in {options.out}/cases.md")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
