#!/usr/bin/env node
// In a clone the source runs as it is; an installed package carries the built files instead.
import { existsSync } from "node:fs";

const major = Number(process.versions.node.split(".")[0]);
if (major < 24) {
  process.stderr.write(`ashlar needs Node.js 24 or newer; this is ${process.versions.node}.\n`);
  process.exit(1);
}
const built = new URL("../dist/cli/main.js", import.meta.url);
const source = new URL("../src/cli/main.ts", import.meta.url);
const inClone = existsSync(new URL("../src/tidy.test.ts", import.meta.url));
const { main } = await import((inClone ? source : built).href);
process.exitCode = await main(process.argv.slice(2));
