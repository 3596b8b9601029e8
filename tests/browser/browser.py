"""Chromium over its debugging pipe: pages are opened, and what scripts in them say is collected."""

import json
import os
import select
import shutil
import subprocess
import tempfile
import time

FLAGS = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync
--disable-background-networking --disable-component-update --disable-default-apps --mute-audio
--disable-extensions --autoplay-policy=no-user-gesture-required --remote-debugging-pipe""".split()
# A reply of the browser that has not come by then never comes.
REPLY_SECONDS = 30


class Browser:
    """One browser with a profile of its own, which is gone with it."""

    def __init__(self, program):
        self.profile = tempfile.mkdtemp(prefix="feedwright-browser-")
        to_read, self.write_end = os.pipe()
        self.read_end, to_write = os.pipe()

        # The browser reads commands from 3 and writes answers to 4.
        wanted = {3: to_read, 4: to_write}
        shell = 'exec "$0" "$@" 3<&{} 4>&{}'.format(to_read, to_write)
        self.process = subprocess.Popen(
            ["/bin/bash", "-c", shell, program, *FLAGS, f"--user-data-dir={self.profile}", "about:blank"],
            pass_fds=list(wanted.values()),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        self.buffer = b""
        self.last_id = 0
        self.replies = {}
        self.said = []
        self.call("Target.setDiscoverTargets", {"discover": False})

    def call(self, method, params=None, session=None):
        """Sends a command and waits for what it gives."""
        number = self.send(method, params, session)
        until = time.monotonic() + REPLY_SECONDS
        while number not in self.replies:
            if time.monotonic() > until or self.process.poll() is not None:
                raise RuntimeError(f"the browser gave no answer to {method}")
            self.listen(0.2)
        reply = self.replies.pop(number)
        if "error" in reply:
            raise RuntimeError(f"{method}: {reply['error'].get('message')}")
        return reply["result"]

    def send(self, method, params=None, session=None):
        self.last_id += 1
        message = {"id": self.last_id, "method": method, "params": params or {}}
        if session:
            message["sessionId"] = session
        os.write(self.write_end, json.dumps(message).encode() + b"\0")
        return self.last_id

    def listen(self, seconds):
        """Takes what the browser says within so many seconds."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if not select.select([self.read_end], [], [], left)[0]:
                return
            piece = os.read(self.read_end, 1 << 20)
            if not piece:
                return
            self.buffer += piece
            *messages, self.buffer = self.buffer.split(b"\0")
            for message in messages:
                self.take(json.loads(message))
            if messages:
                return

    def take(self, message):
        if "id" in message:
            self.replies[message["id"]] = message
            return
        params = message.get("params", {})
        match message.get("method"):
            case "Target.attachedToTarget":
                self.watch(params["sessionId"])
            case "Runtime.consoleAPICalled":
                words = [str(word.get("value")) for word in params["args"]]
                self.said.append(" ".join(words))

    def watch(self, session):
        """Hears a page, a frame or a worker, and what it brings forth."""
        attach = {"autoAttach": True, "waitForDebuggerOnStart": False, "flatten": True}
        self.send("Target.setAutoAttach", attach, session)
        self.send("Runtime.enable", None, session)

    def open(self, url, seconds):
        """Opens a page, waits, and gives what its scripts said and its title."""
        self.said = []
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        attach = {"targetId": target, "flatten": True}
        session = self.call("Target.attachToTarget", attach)["sessionId"]
        self.watch(session)
        try:
            self.call("Page.navigate", {"url": url}, session)
        except RuntimeError:
            # What is downloaded is no page.
            pass
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.listen(0.1)
        title = self.evaluate("document.title", session)
        try:
            self.call("Target.closeTarget", {"targetId": target})
        except RuntimeError:
            # One that became a download has gone by itself.
            pass
        return list(self.said), title

    def evaluate(self, script, session):
        try:
            got = self.call("Runtime.evaluate", {"expression": script, "awaitPromise": True}, session)
        except RuntimeError:
            return None
        return got["result"].get("value")

    def ask(self, url, script):
        """What a script of ours gives on that page, once it is there."""
        target = self.call("Target.createTarget", {"url": url})["targetId"]
        session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        until = time.monotonic() + REPLY_SECONDS
        while self.evaluate("location.href", session) != url:
            if time.monotonic() > until:
                raise RuntimeError(f"{url} does not open")
            self.listen(0.2)
        value = self.evaluate(script, session)
        self.call("Target.closeTarget", {"targetId": target})
        return value

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        shutil.rmtree(self.profile, ignore_errors=True)
