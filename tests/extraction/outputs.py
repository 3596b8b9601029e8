"""What each extractor makes of the benchmark's pages.

usage: outputs.py CHECKOUT OUTPUTS FEEDWRIGHT NPM
"""
import gzip
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import trafilatura


def main():
    checkout, outputs, feedwright, npm = map(Path, sys.argv[1:])
    truth = json.loads((checkout / "ground-truth.json").read_text())
    with tempfile.TemporaryDirectory() as folder:
        pages = {}
        for key, page in truth.items():
            path = Path(folder) / f"{key}.html"
            path.write_bytes(gzip.decompress((checkout / "html" / f"{key}.html.gz").read_bytes()))
            pages[key] = (path, page["url"])

        def save(name, found, started):
            (outputs / f"{name}.json").write_text(json.dumps(found))
            print(f"{name}: {time.monotonic() - started:.1f} s", file=sys.stderr)

        started = time.monotonic()
        ours = {}
        for key, (path, url) in pages.items():
            done = subprocess.run([feedwright, "extract", "--url", url], stdin=path.open("rb"), capture_output=True, text=True)
            if done.returncode:
                print(url, done.stderr.strip(), file=sys.stderr)
            ours[key] = done.stdout
        save("feedwright", ours, started)

        started = time.monotonic()
        lines = "".join(f"{key}\t{path}\t{url}\n" for key, (path, url) in pages.items())
        done = subprocess.run(["node", "readability.cjs"], cwd=npm, input=lines, capture_output=True, text=True, check=True)
        save("readability", json.loads(done.stdout), started)

        def run(**options):
            texts = {key: path.read_text("utf-8", "replace") for key, (path, _) in pages.items()}
            return {key: trafilatura.extract(text, include_comments=False, **options) or "" for key, text in texts.items()}

        started = time.monotonic()
        save("trafilatura.txt", run(), started)
        save("trafilatura", run(output_format="html", include_images=True, include_links=True, include_formatting=True), started)


if __name__ == "__main__":
    main()
