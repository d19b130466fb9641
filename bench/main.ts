// `npm run bench -- s3`, `cluster`, `healing`, `ranges`, `raft`, `ids` or `engines`: measures Ashlar beside its peers, or the
// Store's engines beside each other, and prints a table; with --write it goes into docs/benchmarks.md.

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { CLUSTER_BARS, CLUSTERS } from "./cluster/clusters.ts";
import { benchEngines } from "./engines/bench.ts";
import { markdownOf as enginesMarkdownOf } from "./engines/report.ts";
import { benchHealing } from "./healing/bench.ts";
import { markdownOf as healingMarkdownOf } from "./healing/report.ts";
import { benchIds } from "./ids/bench.ts";
import { markdownOf as idsMarkdownOf } from "./ids/report.ts";
import { describeMachine } from "./machine.ts";
import { benchRaft } from "./raft/bench.ts";
import { markdownOf as raftMarkdownOf } from "./raft/report.ts";
import { benchRanges } from "./ranges/bench.ts";
import { markdownOf as rangesMarkdownOf } from "./ranges/report.ts";
import { benchS3, SINGLE_SERVERS } from "./s3/bench.ts";
import { SINGLE_BARS, markdownOf as s3MarkdownOf } from "./s3/report.ts";

const PAGE = fileURLToPath(new URL("../docs/benchmarks.md", import.meta.url));
const USAGE = `usage: npm run bench -- s3 [--rounds 3] [--list-keys 1000000] [--only PUT] [--peer Ashlar] [--write]
       npm run bench -- cluster, as s3
       npm run bench -- healing [--rounds 3] [--only "4 KiB"] [--write]
       npm run bench -- ranges [--rounds 3] [--seconds 4] [--warm-up 2] [--only "two ranges"] [--write]
       npm run bench -- raft [--rounds 3] [--seconds 4] [--warm-up 2] [--only "16 B"] [--peer Ashlar] [--write]
       npm run bench -- engines [--rounds 3] [--seconds 4] [--warm-up 2] [--only commit] [--peer etcd] [--write]
       npm run bench -- ids [--rounds 3] [--seconds 4] [--warm-up 2] [--only UUID] [--peer Ashlar] [--write]

  --only WORKLOAD, --peer NAME   parts of names; repeatable
  --write                        puts the table into docs/benchmarks.md`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "3" },
    "list-keys": { type: "string", default: "1000000" },
    seconds: { type: "string", default: "4" },
    "warm-up": { type: "string", default: "2" },
    only: { type: "string", multiple: true, default: [] },
    peer: { type: "string", multiple: true, default: [] },
    write: { type: "boolean", default: false },
  },
});
const { only, peer: peers } = values;
const common = { rounds: Number(values.rounds), only, peers, log: (line: string) => process.stderr.write(`${line}\n`) };
const listKeys = Number(values["list-keys"]);
const BENCHES = new Map<string | undefined, () => Promise<string>>([
  [
    "s3",
    async () =>
      s3MarkdownOf(await benchS3({ ...common, kinds: SINGLE_SERVERS, listKeys, withStreams: true }), SINGLE_BARS),
  ],
  [
    "cluster",
    async () => s3MarkdownOf(await benchS3({ ...common, kinds: CLUSTERS, listKeys, withStreams: false }), CLUSTER_BARS),
  ],
  ["healing", async () => healingMarkdownOf(await benchHealing(common))],
  [
    "ranges",
    async () => {
      const times = { seconds: Number(values.seconds), warmUpSeconds: Number(values["warm-up"]) };
      return rangesMarkdownOf(await benchRanges({ ...common, ...times }));
    },
  ],
  [
    "raft",
    async () => {
      const times = { seconds: Number(values.seconds), warmUpSeconds: Number(values["warm-up"]) };
      return raftMarkdownOf(await benchRaft({ ...common, ...times }));
    },
  ],
  [
    "engines",
    async () => {
      const times = { seconds: Number(values.seconds), warmUpSeconds: Number(values["warm-up"]) };
      return enginesMarkdownOf(await benchEngines({ ...common, ...times }));
    },
  ],
  [
    "ids",
    async () => {
      const times = { seconds: Number(values.seconds), warmUpSeconds: Number(values["warm-up"]) };
      return idsMarkdownOf(await benchIds({ ...common, ...times }));
    },
  ],
]);
const [name] = positionals;
const bench = BENCHES.get(name);
if (bench === undefined) {
  process.stderr.write(`${USAGE}\n`);
  process.exit(2);
}

const markdown = await bench();
const day = new Date().toISOString().slice(0, 10);
const text = `${day}, ${describeMachine()}; ${values.rounds} rounds.\n\n${markdown}\n`;
process.stdout.write(text);
if (values.write) {
  const page = readFileSync(PAGE, "utf8");
  const marks = new RegExp(`(<!-- bench:${name} -->\n).*?(<!-- /bench:${name} -->)`, "s");
  writeFileSync(
    PAGE,
    page.replace(marks, (_, from, to) => from + text + to),
  );
}
