"""`tests/hostile/run load`: what one client can do to exhaust the service, and what another client notices.

Each attack meets a service of its own. Printed for each: memory of the process and its children at the peak against the
target (`memory_bytes` + `work_bytes` + `inflight_bytes` + 100 MiB), the p99 and the longest of another client's hits
meanwhile, and how long a feed took that had to be fetched meanwhile. Exit code 1 when something did not hold.
"""

import argparse
import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import time

import attacks
from probe import Probe
from service import MIB, Sampler, Service, free_port, own_bytes, status
from wire import get

HERE = os.path.dirname(os.path.abspath(__file__))
# Public addresses, all of which are local in the namespace.
HOST, ATTACKER, OTHER = "10.0.0.1", "11.1.1.1", "12.2.2.2"
NAMED, DEAD_FEEDS = 60, 5_000


def parse(arguments):
    parser = argparse.ArgumentParser(prog="tests/hostile/run load")
    parser.add_argument("--binary", default=os.environ.get("HOSTILE_DEFAULT_BINARY"))
    parser.add_argument("--seconds", type=float, default=45, help="of each attack")
    parser.add_argument("--only", default="", help="one attack, or several separated by commas")
    parser.add_argument("--memory", default="256MiB", help="[store] memory_bytes")
    parser.add_argument("--p99", type=float, default=1.0)
    parser.add_argument("--out", default="target/hostile/load")
    return parser.parse_args(arguments)


class Attack:
    """What an attack may use."""

    def __init__(self, options, name):
        self.options, self.name = options, name
        self.notes = {}
        # An attack may end them.
        self.has_publishers = True
        self.host, self.source = HOST, ATTACKER

    def note(self, what, count=1):
        self.notes[what] = self.notes.get(what, 0) + count

    async def start(self):
        self.publishers = {}
        self.publisher_port = await self.publish("busy")
        quiet = await self.publish("names")
        self.address = f"127.0.0.1:{self.publisher_port}"
        private = f'allow_private = ["{self.address}", "127.0.0.1:{quiet}", "good.example:{quiet}"]\n'
        feeds = [f'[[feed]]\nname = "good"\nurl = "http://127.0.0.1:{quiet}/feed"\nrefresh = "1d"\n{private}']
        feeds += [f'[[feed]]\nname = "named{i}"\nurl = "http://good.example:{quiet}/named/{i}"\n{private}' for i in range(NAMED)]
        feeds += [f'[[feed]]\nname = "{kind}{i}"\nurl = "http://{self.address}/{kind}/{i}"\n{private}' for kind in ("flood", "bytewise", "fields", "never") for i in range(60)]
        if "dead-feeds" in self.name:
            feeds += [f'[[feed]]\nname = "dead{i}"\nurl = "http://n{i}.dead.example/feed"\n' for i in range(DEAD_FEEDS)]
        feeds.append(f'[[mirror]]\nname = "big"\norigin = "http://{self.address}/"\nmethods = ["GET", "HEAD", "POST", "PUT"]\n{private}')
        image = f'/image?url=http://{self.address}/good.png&w=20'
        self.service = Service(self.options.binary, self.address, feeds="\n".join(feeds), memory=self.options.memory)
        self.service.start()
        self.port = self.service.port
        self.sampler = Sampler(self.service, 0.05)
        self.sampler.start()
        for path in ("/feeds/good", image):
            await get(self.port, path, host=self.host, source=OTHER)
        self.probe = Probe(self.port, ["/feeds/good", image, "/healthz"], host=self.host, source=OTHER, forwarded="").start()
        await asyncio.sleep(1)
        self.rest = self.sampler.lap()
        self.rest_probe = self.probe.lap()

    async def publish(self, what):
        port = free_port()
        command = [sys.executable, os.path.join(HERE, "load_publisher.py"), str(port), what]
        self.publishers[what] = (subprocess.Popen(command, stdout=subprocess.PIPE), port)
        await asyncio.to_thread(self.publishers[what][0].stdout.readline)
        return port

    async def stats(self, what="busy"):
        answer = await get(self.publishers[what][1], "/stats", host="127.0.0.1", forwarded=None, timeout=10)
        return json.loads(answer.body) if answer.status == 200 else {}

    async def fetches(self, until):
        """A feed that was never fetched is asked for every second or so, by the other client."""
        took = []
        for number in range(NAMED):
            if time.monotonic() > until:
                break
            answer = await get(self.port, f"/feeds/named{number}", host=self.host, source=OTHER, timeout=30)
            if not self.has_publishers:
                break
            took.append(answer.seconds)
            if answer.status != 200:
                self.note(f"a feed of another: {answer.status}")
            await asyncio.sleep(max(0.0, 1.0 - answer.seconds))
        return took

    async def run(self):
        await self.start()
        seconds = self.options.seconds
        until = time.monotonic() + seconds
        try:
            fetching = asyncio.ensure_future(self.fetches(until))
            try:
                async with asyncio.timeout(seconds + 60):
                    await attacks.ATTACKS[self.name](self, until)
            except TimeoutError:
                self.note("the attack itself did not end")
            took = await fetching
            other, peaks = self.probe.lap(), self.sampler.lap()
            await asyncio.sleep(3)
            after = own_bytes(status(self.service.pid))
            return self.judge(peaks, other, took, after)
        finally:
            self.probe.stop()
            self.sampler.running = False
            self.service.keep_log(os.path.join(self.options.out, f"{self.name}.log"))
            self.service.stop()
            for publisher, _ in self.publishers.values():
                publisher.kill()
                publisher.wait()

    def judge(self, peaks, other, took, after):
        service, wrong = self.service, []
        target = service.memory_bytes + service.work_bytes + service.inflight_bytes + 100 * MIB
        if not service.alive():
            wrong.append("the service died")
        elif service.healthy(5.0) is None:
            wrong.append("/healthz does not answer afterwards")
        if peaks["together"] > target:
            wrong.append("memory")
        if other["p99"] > self.options.p99:
            wrong.append("another client's hits")
        if other["failed"]:
            wrong.append(f"another client got {other['failed']}")
        slowest = max(took, default=0.0)
        if slowest > 3.0:
            wrong.append("another feed's fetch")
        if any(note.startswith("a feed of another") for note in self.notes):
            wrong.append("another feed failed")
        notes = ", ".join(f"{what}: {count}" for what, count in sorted(self.notes.items()))
        return (self.name, f"{peaks['together'] / MIB:.0f}", f"{target / MIB:.0f}", f"{after / MIB:.0f}", f"{peaks['parent_cpu']:.0f}",
                f"{other['p99'] * 1000:.0f}", f"{other['most'] * 1000:.0f}", other["asked"], f"{slowest:.2f}", notes, "; ".join(wrong))


COLUMNS = ("attack", "peak MiB", "target MiB", "3 s later MiB", "cpu s", "p99 ms", "longest ms", "hits", "another fetch s", "what happened", "wrong")


def main():
    # What was started ends with us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options = parse(sys.argv[1:])
    if not os.environ.get("HOSTILE_NAMESPACE"):
        sys.exit("load runs in a namespace: tests/hostile/run load")
    # What is written to a connection that was cut is not worth a line each.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    options.out = os.path.abspath(options.out)
    os.makedirs(options.out, exist_ok=True)
    names = options.only.split(",") if options.only else list(attacks.ATTACKS)
    rows = []
    for name in names:
        row = asyncio.run(Attack(options, name).run())
        rows.append(row)
        print(" | ".join(f"{column} {cell}" for column, cell in zip(COLUMNS, row)), flush=True)
    with open(os.path.join(options.out, "load.md"), "w") as file:
        file.write("| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|\n")
        file.writelines("| " + " | ".join(str(cell) for cell in row) + " |\n" for row in rows)
    wrong = [row for row in rows if row[-1]]
    print(f"{len(rows)} attacks, {len(wrong)} wrong; the table is in {options.out}/load.md")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
