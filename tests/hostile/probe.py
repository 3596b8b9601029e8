"""Another client of the service, in a process of its own, so that the load beside it does not slow its clock.

It asks for a feed that is kept, an image that is kept and `/healthz`, in turn, on one connection that it
opens anew each time something goes wrong or every 20 requests. `Probe.lap` says how long the answers took.

usage (inside): probe.py HOST PORT SOURCE FORWARDED_FOR PATH…
"""

import json
import socket
import subprocess
import sys
import threading
import time

EVERY = 0.02
TIMEOUT = 15.0


def ask(peer, path, forwarded):
    """One request; the status."""
    head = f"GET {path} HTTP/1.1\r\nHost: probe\r\n"
    if forwarded:
        head += f"X-Forwarded-For: {forwarded}\r\n"
    peer.sendall((head + "\r\n").encode())
    data = b""
    while b"\r\n\r\n" not in data:
        piece = peer.recv(65536)
        if not piece:
            raise OSError("cut")
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    lower = head.lower()
    if b"content-length:" in lower:
        left = int(lower.split(b"content-length:")[1].split(b"\r\n")[0]) - len(body)
        while left > 0:
            piece = peer.recv(65536)
            if not piece:
                raise OSError("cut")
            left -= len(piece)
    elif b"chunked" in lower:
        while not body.endswith(b"0\r\n\r\n"):
            piece = peer.recv(65536)
            if not piece:
                raise OSError("cut")
            body += piece
    return int(head.split()[1])


def main(host, port, source, forwarded, paths):
    peer, asked, turn = None, 0, 0
    while True:
        path = paths[turn % len(paths)]
        turn += 1
        begun = time.monotonic()
        try:
            if peer is None:
                peer = socket.create_connection((host, port), TIMEOUT, (source, 0) if source else None)
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            status = ask(peer, path, forwarded)
            asked += 1
        except OSError:
            status = 0
        if (status == 0 or asked % 20 == 0) and peer:
            peer.close()
            peer = None
        took = time.monotonic() - begun
        print(json.dumps([path, status, round(took, 5)]), flush=True)
        if took < EVERY:
            time.sleep(EVERY - took)


class Probe:
    """The other client as its driver sees it."""

    def __init__(self, port, paths, host="127.0.0.1", source="", forwarded="198.51.100.77"):
        self.command = [sys.executable, __file__, host, str(port), source, forwarded, *paths]
        self.taken, self.failed, self.lock = [], {}, threading.Lock()
        self.last = time.monotonic()

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self.read, daemon=True).start()
        return self

    def read(self):
        for line in self.process.stdout:
            path, status, took = json.loads(line)
            with self.lock:
                self.last = time.monotonic()
                self.taken.append(took)
                if status != 200:
                    key = f"{path.split('?')[0]} {status}"
                    self.failed[key] = self.failed.get(key, 0) + 1

    def lap(self):
        """p99 and the longest since the last lap, and what was no 200."""
        with self.lock:
            taken, failed = sorted(self.taken), self.failed
            waiting = time.monotonic() - self.last
            self.taken, self.failed = [], {}
        # A request that is still waiting counts as long as it has waited.
        if waiting > 0.5:
            taken.append(waiting)
        if not taken:
            return {"p99": 0.0, "most": 0.0, "asked": 0, "failed": failed}
        p99 = taken[min(len(taken) - 1, int(len(taken) * 0.99))]
        return {"p99": p99, "most": taken[-1], "asked": len(taken), "failed": failed}

    def stop(self):
        self.process.kill()
        self.process.wait()


if __name__ == "__main__":
    try:
        main(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5:])
    except (KeyboardInterrupt, BrokenPipeError):
        pass
