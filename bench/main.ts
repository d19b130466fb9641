// `npm run bench -- s3`: measures Ashlar beside its peers and prints a table; with --write it goes into
// docs/benchmarks.md.

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { describeMachine } from "./machine.ts";
import { benchS3 } from "./s3/bench.ts";
import { markdownOf } from "./s3/report.ts";

const PAGE = fileURLToPath(new URL("../docs/benchmarks.md", import.meta.url));
const USAGE = `usage: npm run bench -- s3 [--rounds 3] [--list-keys 1000000] [--only PUT] [--peer Ashlar] [--write]

  --only WORKLOAD, --peer NAME   parts of names; repeatable
  --write                        puts the table into docs/benchmarks.md`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "3" },
    "list-keys": { type: "string", default: "1000000" },
    only: { type: "string", multiple: true, default: [] },
    peer: { type: "string", multiple: true, default: [] },
    write: { type: "boolean", default: false },
  },
});
if (positionals[0] !== "s3") {
  process.stderr.write(`${USAGE}\n`);
  process.exit(2);
}

const report = await benchS3({
  rounds: Number(values.rounds),
  listKeys: Number(values["list-keys"]),
  only: values.only,
  peers: values.peer,
  log: (line) => process.stderr.write(`${line}\n`),
});
const day = new Date().toISOString().slice(0, 10);
const text = `${day}, ${describeMachine()}; ${values.rounds} rounds.\n\n${markdownOf(report)}\n`;
process.stdout.write(text);
if (values.write) {
  const page = readFileSync(PAGE, "utf8");
  writeFileSync(
    PAGE,
    page.replace(/(<!-- bench:s3 -->\n).*?(<!-- \/bench:s3 -->)/s, (_, from, to) => from + text + to),
  );
}
