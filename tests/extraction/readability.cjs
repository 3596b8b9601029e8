// Mozilla's Readability over the pages named on standard input, one path and one address a line.
const { Readability } = require("@mozilla/readability");
const { JSDOM, VirtualConsole } = require("jsdom");
const fs = require("node:fs");

const found = {};
for (const line of fs.readFileSync(0, "utf8").trim().split("\n")) {
  const [key, path, url] = line.split("\t");
  try {
    const page = new JSDOM(fs.readFileSync(path, "utf8"), { url, virtualConsole: new VirtualConsole() });
    found[key] = new Readability(page.window.document).parse()?.content ?? "";
  } catch (error) {
    found[key] = "";
  }
}
console.log(JSON.stringify(found));
