// What npm's rss-parser reads in each file named on standard input, one line of JSON each.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const Parser = createRequire(process.argv[2] + "/")("rss-parser");
for await (const path of createInterface({ input: process.stdin })) {
  let read = null;
  try {
    read = await new Parser().parseString(readFileSync(path, "utf8"));
  } catch {
    // Not read: compared with what it makes of the other version.
  }
  process.stdout.write(JSON.stringify(read) + "\n");
}
