"""The service under attack: its configuration, its process, and what the kernel says of both.

`Service` writes a configuration that allows a publisher on loopback, starts the binary and stops it.
`Sampler` looks at the process and its children many times a second: memory that is theirs alone
(anonymous and shared pages), the peak of the parent, and whether a child computes for too long.
"""

import os
import random
import signal
import socket
import subprocess
import tempfile
import threading
import time

# A service that takes this much is ended, so that the machine stays usable; it counts as dead.
KILL_ABOVE = 6 << 30
TICK = os.sysconf("SC_CLK_TCK")
MIB = 1 << 20


def size(text):
    """Bytes of a size as the configuration writes it."""
    return int(text.removesuffix("MiB")) * MIB


def free_port():
    """A port below those that the kernel gives to clients, so that nobody takes it before it is listened on."""
    while True:
        port = random.randrange(12_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("0.0.0.0", port))
                return port
            except OSError:
                continue


def knows(binary, section, line):
    """Whether this binary knows a key, so that older ones can be measured, too."""
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(f"[{section}]\n{line}\n")
        file.flush()
        run = subprocess.run([binary, "check", "--config", file.name], capture_output=True, text=True)
    return "unknown" not in run.stderr and run.returncode == 0


class Service:
    """One running service, its configuration in a folder that goes with it."""

    def __init__(self, binary, publisher, feeds="", image="", server="", more="", store=True, memory="64MiB"):
        self.binary = os.path.abspath(binary)
        self.folder = tempfile.TemporaryDirectory(prefix="feedwright-hostile-")
        self.port = free_port()
        self.memory_bytes, self.work_bytes, self.inflight_bytes = size(memory), 192 * MIB, 64 * MIB
        path = os.path.join(self.folder.name, "data") if store else ""
        lines = [f'[server]\nlisten = "0.0.0.0:{self.port}"\npublic_url = "http://127.0.0.1:{self.port}"']
        if knows(self.binary, "server", 'trusted_proxies = ["127.0.0.0/8"]'):
            lines.append('trusted_proxies = ["127.0.0.0/8"]')
        lines += [
            server,
            f'[store]\npath = "{path}"\nmemory_bytes = "{memory}"\ndisk_bytes = "1GiB"',
            '[log]\nformat = "json"\nlevel = "info"',
            '[fetch]\nhost_fetches_max = 64\nhost_spacing = "0s"\nbackground_fetches_max = 64',
            f'[image]\nopen = true\nallow_private = ["{publisher}"]\n{image}',
            more,
            feeds,
        ]
        self.config = os.path.join(self.folder.name, "feedwright.toml")
        with open(self.config, "w") as file:
            file.write("\n".join(lines) + "\n")
        self.log_path = os.path.join(self.folder.name, "log.jsonl")
        self.process = None

    def start(self):
        self.log = open(self.log_path, "ab")
        self.process = subprocess.Popen(
            [self.binary, "serve", "--config", self.config],
            stdout=self.log, stderr=subprocess.STDOUT, cwd=self.folder.name,
        )
        for _ in range(300):
            if self.process.poll() is not None:
                raise SystemExit(f"the service did not start:\n{open(self.log_path).read()[-3000:]}")
            if self.healthy(0.5):
                return self
            time.sleep(0.1)
        raise SystemExit("the service does not answer")

    @property
    def pid(self):
        return self.process.pid

    def healthy(self, timeout=2.0):
        """Whether `/healthz` answers 200 in time, and how long that took."""
        begun = time.monotonic()
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout) as peer:
                peer.settimeout(timeout)
                peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                answer = peer.recv(64)
        except OSError:
            return None
        return time.monotonic() - begun if b" 200 " in answer else None

    def alive(self):
        return self.process.poll() is None

    def stop(self):
        if self.process and self.alive():
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()

    def keep_log(self, path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(self.log_path, "rb") as log, open(path, "wb") as copy:
            copy.write(log.read())


def status(pid):
    """What `/proc/PID/status` says, in bytes; empty when the process is gone."""
    fields = {}
    try:
        with open(f"/proc/{pid}/status") as file:
            for line in file:
                key, _, value = line.partition(":")
                if value.endswith("kB\n"):
                    fields[key] = int(value.split()[0]) * 1024
                elif key in ("voluntary_ctxt_switches", "State"):
                    fields[key] = value.split()[0]
    except (OSError, ValueError):
        return {}
    return fields


def own_bytes(fields):
    return fields.get("RssAnon", 0) + fields.get("RssShmem", 0)


def cpu_seconds(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK
    except (OSError, IndexError):
        return None


def children(pid):
    """All processes below this one."""
    found = []
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return found
    for task in tasks:
        try:
            with open(f"/proc/{pid}/task/{task}/children") as file:
                for child in file.read().split():
                    found += [int(child), *children(int(child))]
        except OSError:
            continue
    return found


class Sampler(threading.Thread):
    """Looks at the service every so often; `lap` hands out the peaks since the last one.

    A child that used more than half a core since it last waited for anything (it does so between two
    jobs), for longer than the deadline, is a worker that nobody stopped.
    """

    def __init__(self, service, every=0.02):
        super().__init__(daemon=True)
        self.service, self.every = service, every
        self.lock = threading.Lock()
        self.running = True
        self.busy = {}
        self.longest_busy = 0.0
        self.reset()

    def reset(self):
        self.parent_peak = self.parent_own = self.children_own = self.together = 0
        self.children_most = self.child_peak = 0
        self.busy_peak = 0.0
        self.cpu_begin = self.parent_cpu()

    def parent_cpu(self):
        return cpu_seconds(self.service.pid) or 0.0

    def lap(self):
        with self.lock:
            peaks = {
                "parent_peak": max(self.parent_peak, status(self.service.pid).get("VmHWM", 0)),
                "parent_own": self.parent_own,
                "children_own": self.children_own,
                "together": self.together,
                "children": self.children_most,
                "child_peak": self.child_peak,
                "busy": self.busy_peak,
                "parent_cpu": self.parent_cpu() - self.cpu_begin,
            }
            self.reset()
        try:
            with open(f"/proc/{self.service.pid}/clear_refs", "w") as file:
                file.write("5")
        except OSError:
            pass
        return peaks

    def run(self):
        while self.running:
            self.look()
            time.sleep(self.every)

    def look(self):
        parent = status(self.service.pid)
        below = children(self.service.pid)
        own = sum_own = 0
        child_peak = 0
        now = time.monotonic()
        for child in below:
            fields = status(child)
            own = own_bytes(fields)
            sum_own += own
            child_peak = max(child_peak, fields.get("VmHWM", 0))
            self.watch(child, fields.get("voluntary_ctxt_switches"), now)
        for gone in set(self.busy) - set(below):
            del self.busy[gone]
        if own_bytes(parent) + sum_own > KILL_ABOVE:
            for pid in (self.service.pid, *below):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        with self.lock:
            self.parent_peak = max(self.parent_peak, parent.get("VmRSS", 0))
            self.parent_own = max(self.parent_own, own_bytes(parent))
            self.children_own = max(self.children_own, sum_own)
            self.together = max(self.together, own_bytes(parent) + sum_own)
            self.children_most = max(self.children_most, len(below))
            self.child_peak = max(self.child_peak, child_peak)

    def watch(self, child, switches, now):
        used = cpu_seconds(child)
        if used is None:
            return
        before = self.busy.get(child)
        if before is None or before[0] != switches:
            self.busy[child] = (switches, now, used)
            return
        wall, burnt = now - before[1], used - before[2]
        if burnt > wall / 2 and burnt > 0.1:
            with self.lock:
                self.busy_peak = max(self.busy_peak, wall)
            self.longest_busy = max(self.longest_busy, wall)

    def idle_after(self, limit):
        """Seconds until neither the service nor a child computes any more; None if one still does after `limit`."""
        begun = time.monotonic()

        def used():
            return {pid: cpu_seconds(pid) for pid in (self.service.pid, *children(self.service.pid))}

        while time.monotonic() - begun < limit:
            before = used()
            time.sleep(0.15)
            after = used()
            if all((after[c] or 0) - (before.get(c) or 0) < 0.08 for c in after):
                return max(0.0, time.monotonic() - begun - 0.15)
        return None
