"""The check of tests/browser/run: serves what is hostile, opens it through Feedwright, and fails
where anything ran. Each payload is opened at its publisher as well, where most do run: what runs
nowhere would prove nothing."""

import http.server
import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path

import cases
from browser import Browser

# How long a page may take to run something.
PATIENCE = 0.7
EMBED = """<!DOCTYPE html><title>embedding</title><body><script>
const url = decodeURIComponent(location.hash.slice(1));
const put = (name, key, more) => {
  const made = Object.assign(document.createElement(name), {[key]: url}, more || {});
  document.body.append(made);
};
put('iframe', 'src'); put('object', 'data'); put('object', 'data', {type: 'text/html'});
put('embed', 'src', {type: 'text/html'}); put('embed', 'src', {type: 'image/svg+xml'}); put('img', 'src');
</script>"""
WORKER = """<!DOCTYPE html><title>worker</title><script>
navigator.serviceWorker.register('URL').then(
  () => console.log('RAN service-worker ' + self.origin),
  error => console.log('refused ' + error.name));
</script>"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Publisher(http.server.ThreadingHTTPServer):
    """Serves every case, and hears those that call home."""

    daemon_threads = True

    def __init__(self):
        self.answers = {}
        self.calls = []
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def put(self, path, fields, body, name=""):
        def filled(text):
            text = text.replace("XSLT", urllib.parse.quote(cases.XSLT.replace("NAME", name)))
            return text.replace("BEACON", f"{self.url}/beacon").replace("PUBLISHER", self.url).replace("NAME", name)

        self.answers[path] = ([(key, filled(value)) for key, value in fields], filled(body).encode())


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path, _, query = self.path.partition("?")
        if path == "/beacon":
            self.server.calls.append(query)
        fields, body = self.server.answers.get(path, ([(":status", "404")], b""))
        status = dict(fields).get(":status", "200")
        self.send_response(int(status))
        for name, value in fields:
            if not name.startswith(":"):
                self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.send_header("cache-control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Service:
    """`feedwright serve` with a feed for each case, twice, and three mirrors of the publisher."""

    def __init__(self, binary, publisher, feeds, folder):
        self.url = f"http://127.0.0.1:{free_port()}"
        host = publisher.url.removeprefix("http://")
        private = f'allow_private = ["{host}"]\n'
        toml = f'[server]\nlisten = "{self.url[7:]}"\npublic_url = "{self.url}"\n[store]\npath = ""\n[log]\nlevel = "error"\n'
        toml += f"[image]\nopen = true\n{private}"
        for name, path in feeds.items():
            for mode in ("off", "scripts"):
                toml += f'[[feed]]\nname = "{name}-{mode}"\nurl = "{publisher.url}{path}"\n{private}'
                toml += f'sanitize = "{mode}"\nimages = "none"\n'
                toml += 'envelope = "keep"\nrepair = false\n' if mode == "off" else ""
        for name, keys in (("plain", ""), ("trusted", "trusted = true\n")):
            toml += f'[[mirror]]\nname = "{name}"\norigin = "{publisher.url}/"\n{private}{keys}'
        file = Path(folder) / "feedwright.toml"
        file.write_text(toml)
        self.process = subprocess.Popen([binary, "serve", "--config", str(file)], cwd=folder)
        for _ in range(200):
            try:
                urllib.request.urlopen(f"{self.url}/healthz", timeout=2).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.1)
        raise SystemExit("browser: feedwright did not start")

    def close(self):
        self.process.terminate()
        self.process.wait(30)


class Check:
    def __init__(self, chromium, binary, only):
        self.only = only
        self.failures = []
        self.live = 0
        self.opened = 0
        self.publisher = Publisher()
        self.feeds, self.mirrored = self.publish()
        self.folder = tempfile.TemporaryDirectory()
        self.service = Service(binary, self.publisher, self.feeds, self.folder.name)
        self.browser = Browser(chromium)

    def publish(self):
        put = self.publisher.put
        html, xml = [("content-type", "text/html")], [("content-type", "text/xml")]
        put("/run.html", html, cases.PAGE, "landed")
        put("/run.xsl", xml, cases.XSLT, "xslt")
        put("/mirror/plain/run.xsl", xml, cases.XSLT, "xslt")
        put("/embed.html", html, EMBED)
        put("/worker.js", [("content-type", "text/javascript")], "1")
        put("/beacon", [], "")
        feeds, mirrored = {}, {}
        for name, body in cases.FEEDS.items():
            for number, kind in enumerate(cases.FEED_TYPES.get(name, cases.ANY_TYPE[:1])):
                path = f"/feed/{name}-{number}"
                put(path, [("content-type", kind)] if kind else [], body, f"{name}-{number}")
                feeds[f"{name}-{number}"] = path
        for name, (fields, body) in cases.MIRRORED.items():
            path = f"/page/{name}"
            put(path, fields, body, name)
            mirrored[name] = path
        return feeds, mirrored

    def look(self, url, way, may_run=False):
        """Opens a page; gives whether something ran."""
        self.opened += 1
        before = len(self.publisher.calls)
        said, title = self.browser.open(url, PATIENCE)
        ran = [line for line in said if line.startswith("RAN ")] + self.publisher.calls[before:]
        if title and title.startswith("RAN "):
            ran.append(f"title {title}")
        if ran and not may_run:
            self.failures.append(f"{way}: {ran[0]}")
            print(f"  RAN     {way}: {ran}")
        return bool(ran)

    def control(self, name, path):
        """Whether the payload runs where nothing is done about it."""
        runs = self.look(self.publisher.url + path, f"{name} at its publisher", may_run=True)
        self.live += runs
        print(f"{name:40} {'runs' if runs else 'does not run'} at its publisher")

    def check_feeds(self):
        for name, path in self.feeds.items():
            if self.only not in name:
                continue
            self.control(name, path)
            for mode in ("off", "scripts"):
                url = f"{self.service.url}/feeds/{name}-{mode}"
                self.look(url, f"feed {name}, sanitize = {mode}")
                if mode == "scripts":
                    self.read(url, name)
            self.embed(f"{self.service.url}/feeds/{name}-off", f"feed {name}")

    def read(self, url, name):
        """The sanitiser left nothing of the payload's tags, whoever reads them."""
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                text = answer.read().decode()
                policy, sniff = answer.headers["content-security-policy"], answer.headers["x-content-type-options"]
        except OSError as error:
            print(f"  (no feed: {error})")
            return
        if "default-src 'none'" not in (policy or "") or "sandbox" not in policy or sniff != "nosniff":
            self.failures.append(f"feed {name}: policy {policy!r}, {sniff!r}")
        for tag in (":script", "<script xmlns", "onload=", "onerror=", "onbegin=", ":iframe", ":object", ":embed"):
            if tag in text:
                self.failures.append(f"feed {name}: {tag} is still there")

    def check_mirrors(self):
        for name, path in self.mirrored.items():
            if self.only not in name:
                continue
            self.control(name, path)
            url = f"{self.service.url}/mirror/plain{path}"
            self.look(url, f"mirror {name}")
            self.embed(url, f"mirror {name}")
            source = urllib.parse.quote(self.publisher.url + path, safe="")
            image = f"{self.service.url}/image?url={source}"
            self.look(image, f"image {name}")
            self.look(image + "&encoding=base64", f"image {name} as text")

    def embed(self, url, way):
        """In frames of a page of our own origin, and of another."""
        page = "#" + urllib.parse.quote(url, safe="")
        self.look(f"{self.service.url}/mirror/trusted/embed.html{page}", f"{way}, embedded here")
        self.look(f"{self.publisher.url}/embed.html{page}", f"{way}, embedded elsewhere")

    def check_others(self):
        for path in ("/", "/healthz", "/feeds/none", "/mirror/none/x", "/image?url=<script>", "/<script>alert(1)</script>"):
            self.look(self.service.url + path, path)
        for mirror, expected in (("plain", "refused "), ("trusted", f"RAN service-worker {self.service.url}")):
            script = f"{self.service.url}/mirror/{mirror}/worker.js"
            self.publisher.put(f"/{mirror}.html", [("content-type", "text/html")], WORKER.replace("URL", script))
            said, _ = self.browser.open(f"{self.service.url}/mirror/trusted/{mirror}.html", 2)
            if not any(line.startswith(expected) for line in said):
                self.failures.append(f"a service worker of the mirror {mirror}: {said}")

    def check_that_it_tells(self):
        """The same documents in a mirror that is trusted do run, or this check could not fail."""
        kept = self.browser.ask(f"{self.service.url}/", "localStorage.getItem('ran')")
        if kept is not None:
            self.failures.append(f"something was left on our origin: {kept}")
        for name in ("html", "xhtml", "svg"):
            url = f"{self.service.url}/mirror/trusted{self.mirrored[name]}"
            if not self.look(url, f"trusted {name}", may_run=True):
                self.failures.append(f"{name} did not run in a trusted mirror: this check tells nothing")
        if self.browser.ask(f"{self.service.url}/", "localStorage.getItem('ran')") is None:
            self.failures.append("what a trusted mirror leaves is not found: this check tells nothing")

    def run(self):
        try:
            self.check_feeds()
            self.check_mirrors()
            self.check_others()
            self.check_that_it_tells()
        finally:
            self.browser.close()
            self.service.close()
            self.folder.cleanup()
        if not self.only and self.live < 40:
            self.failures.append(f"only {self.live} payloads run at their publisher")
        for failure in self.failures:
            print(f"FAILED {failure}")
        print(json.dumps({"opened": self.opened, "live_payloads": self.live, "failures": len(self.failures)}))
        return 1 if self.failures else 0


if __name__ == "__main__":
    chromium, binary, *rest = sys.argv[1:]
    sys.exit(Check(chromium, binary, rest[0] if rest else "").run())
