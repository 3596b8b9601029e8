"""`tests/hostile/run mutate`: mutated images, pages and feeds through the running service for so many seconds each.

Input number N of a kind depends on `--seed`, the kind and N alone: `--only svg-17` sends that one again. What is found
is written to `--out`: the input, the service's log, and a line in findings.txt. Exit code 1 when something was found:
the service died or did not answer, a child computed past the deadline, an answer came too late or was an unexpected
5xx, memory went beyond its bound.
"""

import argparse
import asyncio
import os
import random
import signal
import sys
import time
from urllib.parse import quote

import make_avif
import make_png
import mutate_raster
import mutate_svg
import mutate_text
from probe import Probe
from service import MIB, Sampler, Service
from wire import Publisher, get

SLACK = 64 * MIB
FEEDS, LISTS, LIST_ITEMS = 1_500, 40, 50
PAGES_WAITING_MAX = 100
OPTIONS = ["w=100", "w=50&h=70&fit=cover", "w=90&output=webp", "w=64&output=png", "w=30&output=jpg", "w=60&output=gif&n=-1", "n=-1&w=40", "output=webp&n=-1",
           "w=200&blur=2", "w=100&trim=10", "h=80&a=entropy&fit=cover&w=80", "output=json", "w=40&output=avif", "", "page=1&w=30", "page=-1&w=30", "ro=45&w=80",
           "w=70&output=tiff", "w=50&mask=circle", "w=120&fit=contain&cbg=red"]
EXPECTED = {503, 504}


def parse(arguments):
    parser = argparse.ArgumentParser(prog="tests/hostile/run mutate")
    parser.add_argument("--binary", default=os.environ.get("HOSTILE_DEFAULT_BINARY"))
    parser.add_argument("--what", choices=["svg", "raster", "text", "all"], default="all")
    parser.add_argument("--seconds", type=float, default=60, help="of each")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--only", default="", help="one input, such as svg-17, page-3 or feed-9")
    parser.add_argument("--inflight", type=int, default=4, help="requests at the same time")
    parser.add_argument("--work-timeout", type=float, default=2.0)
    parser.add_argument("--out", default="target/hostile/mutate")
    return parser.parse_args(arguments)


class Run:
    def __init__(self, options, what):
        self.options, self.what = options, what
        self.made, self.svgs, self.rasters = [], mutate_svg.seeds(), []
        self.findings, self.statuses = [], {}
        self.underway, self.recent = {}, []
        self.sent = {"svg": 0, "raster": 0, "page": 0, "feed": 0}
        self.answered = self.pages_fetched = self.restarts = 0
        self.most = {"parent": 0, "children": 0, "busy": 0.0, "seconds": 0.0, "p99": 0.0, "workers": 0}
        self.probe_failed = {}
        self.ready_at = {}

    def input(self, kind, number):
        """(type, bytes, random) of an input."""
        chance = random.Random(f"{self.options.seed}/{kind}/{number}")
        if kind == "svg":
            return "image/svg+xml", mutate_svg.mutate(chance, chance.choice(self.svgs)), chance
        if kind == "raster":
            ending, data = chance.choice(self.rasters)
            return "application/octet-stream", mutate_raster.any_format(chance, ending, data), chance
        if kind == "page":
            return "text/html", mutate_text.page(chance), chance
        content_type, data = mutate_text.feed(chance)
        return content_type, data, chance

    def answer(self, path, head, reader, writer):
        if path == "/good":
            return 200, "application/rss+xml", b"<rss version='2.0'><channel><title>t</title><item><guid>1</guid><title>x</title></item></channel></rss>"
        if path == "/good.png":
            return 200, "image/png", make_png.noisy(64, 48)
        _, kind, name = path.split("/")
        if kind == "list":
            return self.list_of_pages()
        if kind == "feed":
            number, self.sent["feed"] = self.sent["feed"], self.sent["feed"] + 1
        else:
            number = int(name.split(".")[0])
        content_type, data, _ = self.input(kind, number)
        if kind in ("page", "feed"):
            self.note(f"{kind}-{number}")
            self.pages_fetched += kind == "page"
        return 200, content_type, data

    def list_of_pages(self):
        if self.options.only.startswith("page-"):
            numbers = [int(self.options.only.split("-")[1])]
        elif self.sent["page"] - self.pages_fetched > PAGES_WAITING_MAX:
            numbers = []
        else:
            numbers = range(self.sent["page"], self.sent["page"] + LIST_ITEMS)
            self.sent["page"] += LIST_ITEMS
        links = [f"http://{self.publisher.address}/page/{n}.html" for n in numbers] or ["http://e.invalid/"]
        items = "".join(f"<item><guid>{link}</guid><link>{link}</link><title>x</title></item>" for link in links)
        return 200, "application/rss+xml", f"<rss version='2.0'><channel><title>t</title>{items}</channel></rss>".encode()

    def note(self, name):
        self.recent.append((time.monotonic(), name))
        del self.recent[:-100]

    async def begin(self):
        self.publisher = await Publisher(self.answer).start()
        address = self.publisher.address
        common = f'allow_private = ["{address}"]\nretry_after_error = "1s"\n'
        feeds = [f'[[feed]]\nname = "good"\nurl = "http://{address}/good"\nrefresh = "1d"\n{common}']
        if self.what == "text":
            quick = 'refresh = "1s"\nrefresh_max = "1s"\nserve_stale_after = "10s"\nactive_for = "0s"\n'
            for number in range(FEEDS):
                strict = 'sanitize = "strict"\nremove_elements = [".a"]\n' if number % 3 == 0 else ""
                feeds.append(f'[[feed]]\nname = "m{number}"\nurl = "http://{address}/feed/{number}"\nimages = "builtin"\n{strict}{quick}{common}')
            for number in range(LISTS):
                selectors = 'full_text = { content = ["article", "div"], remove = [".a", "b:has(> p)"] }' if number % 4 == 0 else "full_text = true"
                feeds.append(f'[[feed]]\nname = "p{number}"\nurl = "http://{address}/list/{number}"\n{selectors}\n{quick}{common}')
        self.service = Service(self.options.binary, address, feeds="\n".join(feeds), store=False,
                               image=f'work_timeout = "{int(self.options.work_timeout * 1000)}ms"',
                               more="[full_text]\nfetches_max = 8\nitems_max = 1000\nattempts_max = 1\n")
        await self.start()
        if self.what == "raster":
            await self.let_the_service_make_seeds()
            self.rasters = mutate_raster.seeds(self.made)

    async def start(self):
        self.service.start()
        await get(self.service.port, "/feeds/good")
        self.sampler = Sampler(self.service)
        self.sampler.start()
        self.probe = Probe(self.service.port, ["/feeds/good", "/healthz"]).start()

    def end(self):
        self.probe.stop()
        self.sampler.running = False
        self.service.stop()

    async def let_the_service_make_seeds(self):
        address = quote(f"http://{self.publisher.address}/good.png", safe="")
        for ending, more in [("jpg", "output=jpg"), ("jpg", "output=jpg&il=1"), ("webp", "output=webp"), ("webp", "output=webp&ll=1"), ("png", "output=png&il=1"),
                             ("gif", "output=gif"), ("tiff", "output=tiff"), ("avif", "output=avif"), ("avif", "output=avif&w=300")]:
            answer = await get(self.service.port, f"/image?url={address}&{more}")
            if answer.status == 200:
                self.made += [(ending, answer.body)] * (3 if ending == "avif" else 1)
                if "avif" in more and "w=" not in more:
                    self.made.append(("avif", make_avif.grid(answer.body, 64, 48, 2, 2, 4)))

    def find(self, title, names):
        """Keeps what was found, and the inputs that may have done it."""
        self.findings.append(title)
        if len(self.findings) > 200:
            return
        os.makedirs(self.options.out, exist_ok=True)
        for name in names[:24]:
            kind, number = name.split("-")
            with open(os.path.join(self.options.out, f"seed{self.options.seed}-{name}"), "wb") as file:
                file.write(self.input(kind, int(number))[1])
        line = f"{title}: {' '.join(names[:24])} (again: run mutate --what {self.what} --seed {self.options.seed} --only NAME)"
        with open(os.path.join(self.options.out, "findings.txt"), "a") as file:
            file.write(line + "\n")
        print("FOUND", line, flush=True)

    def suspects(self, past=4.0):
        now = time.monotonic()
        return list(self.underway) + [name for at, name in reversed(self.recent) if now - at < past and name not in self.underway]

    async def image(self, kind, number):
        name = f"{kind}-{number}"
        self.underway[name] = time.monotonic()
        chance = random.Random(f"{self.options.seed}/{name}/options")
        address = quote(f"http://{self.publisher.address}/{kind}/{number}.bin", safe="")
        limit = self.options.work_timeout
        answer = await get(self.service.port, f"/image?url={address}&{chance.choice(OPTIONS)}", timeout=limit + 20)
        del self.underway[name]
        self.note(name)
        self.count(name, answer, limit + 1.5)

    def count(self, name, answer, limit):
        self.answered += 1
        self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
        self.most["seconds"] = max(self.most["seconds"], answer.seconds)
        if answer.status in (0, -1) and self.service.alive():
            self.find(f"no whole answer ({answer.status})", [name])
        elif answer.status >= 500 and answer.status not in EXPECTED and not name.startswith("feed"):
            if self.statuses[answer.status] < 20:
                self.find(f"answer {answer.status} {answer.body[:80]!r}", [name])
        elif answer.seconds > limit:
            self.find(f"answered after {answer.seconds:.1f} s", [name])

    async def images(self, until):
        while time.monotonic() < until:
            number, self.sent[self.what] = self.sent[self.what], self.sent[self.what] + 1
            await self.image(self.what, number)

    async def feeds(self, until, first):
        """Each feed in turn; what failed is left alone for as long as the service leaves it alone."""
        number = first
        while time.monotonic() < until:
            number = (number + self.options.inflight) % FEEDS
            failed, ready = self.ready_at.get(number, (0, 0.0))
            if ready > time.monotonic():
                await asyncio.sleep(0.002)
                continue
            answer = await get(self.service.port, f"/feeds/m{number}", timeout=40)
            failed = 0 if answer.status == 200 else failed + 1
            self.ready_at[number] = (failed, time.monotonic() + 1.3 * 2 ** failed)
            self.count("feed-0", answer, 15)
            if answer.status == 0 and not self.service.alive():
                await asyncio.sleep(1)

    async def pages(self, until):
        number = 0
        while time.monotonic() < until:
            number = (number + 1) % LISTS
            if self.sent["page"] - self.pages_fetched <= PAGES_WAITING_MAX:
                await get(self.service.port, f"/feeds/p{number}", timeout=40)
            await asyncio.sleep(0.1)

    async def watch(self, until):
        limit = max(self.options.work_timeout, 2.0) + 1.0
        bound = self.service.memory_bytes + self.service.inflight_bytes + 100 * MIB
        said = time.monotonic()
        while time.monotonic() < until:
            await asyncio.sleep(1)
            if not self.service.alive():
                self.find("the service died", self.suspects())
                self.service.keep_log(os.path.join(self.options.out, f"died-{self.what}-{self.restarts}.log"))
                self.restarts += 1
                self.end()
                await self.start()
                continue
            if await asyncio.to_thread(self.service.healthy, 5.0) is None and self.service.alive():
                self.find("/healthz does not answer within 5 s", self.suspects())
            peaks, other = self.sampler.lap(), self.probe.lap()
            self.most["parent"] = max(self.most["parent"], peaks["parent_own"])
            self.most["children"] = max(self.most["children"], peaks["children_own"])
            self.most["workers"] = max(self.most["workers"], peaks["children"])
            self.most["busy"] = max(self.most["busy"], peaks["busy"])
            self.most["p99"] = max(self.most["p99"], other["p99"])
            for key, times in other["failed"].items():
                self.probe_failed[key] = self.probe_failed.get(key, 0) + times
            if peaks["busy"] > limit:
                self.find(f"a child computes for {peaks['busy']:.1f} s", self.suspects(peaks["busy"] + 2))
            if peaks["parent_own"] > bound:
                self.find(f"the process takes {peaks['parent_own'] // MIB} MiB of {bound // MIB}", self.suspects())
            if peaks["children_own"] > self.service.work_bytes + SLACK:
                self.find(f"the children take {peaks['children_own'] // MIB} MiB", self.suspects())
            if time.monotonic() - said > 30:
                said = time.monotonic()
                print(f"{self.what}: {self.line(until)}", flush=True)

    def line(self, until=None):
        left = f"{until - time.monotonic():.0f} s left, " if until else ""
        inputs = f"{self.pages_fetched} pages, {self.sent['feed']} feeds" if self.what == "text" else f"{self.answered} inputs"
        return (f"{left}{inputs}, statuses {dict(sorted(self.statuses.items()))}, at most: answer {self.most['seconds']:.1f} s, parent {self.most['parent'] // MIB} MiB, "
                f"children {self.most['children'] // MIB} MiB in {self.most['workers']}, busy {self.most['busy']:.1f} s, others' p99 {self.most['p99'] * 1000:.0f} ms "
                f"{self.probe_failed or ''}; {self.restarts} deaths, {len(self.findings)} findings")


async def run(options, what):
    one = Run(options, what)
    await one.begin()
    try:
        if options.only:
            await only(one, options.only)
            return one
        until = time.monotonic() + options.seconds
        tasks = [one.watch(until)]
        if what == "text":
            tasks += [one.feeds(until, i) for i in range(options.inflight)] + [one.pages(until)]
        else:
            tasks += [one.images(until) for _ in range(options.inflight)]
        await asyncio.gather(*tasks)
        idle = await asyncio.to_thread(one.sampler.idle_after, max(options.work_timeout, 2.0) + 4)
        if idle is None:
            one.find("something goes on computing when all is done", one.suspects(20))
        if not one.service.alive():
            one.find("the service died", one.suspects())
    finally:
        one.service.keep_log(os.path.join(options.out, f"service-{what}.log"))
        one.end()
    return one


async def only(one, name):
    kind, number = name.split("-")
    if kind == "page":
        answer = await get(one.service.port, "/feeds/p0", timeout=40)
        await asyncio.sleep(1)
    elif kind == "feed":
        one.sent["feed"] = int(number)
        answer = await get(one.service.port, "/feeds/m0", timeout=40)
    else:
        one.underway = {}
        before = dict(one.statuses)
        await one.image(kind, int(number))
        print("status", set(one.statuses) - set(before), f"{one.most['seconds']:.2f} s")
        answer = None
    if answer:
        print("status", answer.status, f"{answer.seconds:.2f} s")
    await asyncio.to_thread(one.sampler.idle_after, 15)
    peaks = one.sampler.lap()
    print(f"alive {one.service.alive()}, parent {peaks['parent_own'] // MIB} MiB, children {peaks['children_own'] // MIB} MiB, busy {peaks['busy']:.1f} s")


def main():
    # What was started ends with us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options = parse(sys.argv[1:])
    options.out = os.path.abspath(options.out)
    os.makedirs(options.out, exist_ok=True)
    kinds = {"svg": "svg", "raster": "raster", "page": "text", "feed": "text"}
    whats = [kinds[options.only.split("-")[0]]] if options.only else ["svg", "raster", "text"] if options.what == "all" else [options.what]
    runs = [asyncio.run(run(options, what)) for what in whats]
    for one in runs:
        print(f"\n{one.what} (seed {options.seed}): {one.line()}")
    sys.exit(1 if any(one.findings for one in runs) else 0)


if __name__ == "__main__":
    main()
