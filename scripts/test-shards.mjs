// Runs Node's test runner several times at once, each over its part of the files in one process: pure tests are many and short, so
// that a process for each file would cost more than the tests. The first one is heard while it runs, the others behind it.
//
//   node scripts/test-shards.mjs [OPTION OF NODE...] PATTERN...
//
// The exit code is 0 only if all of them passed. Plain JavaScript, as scripts/ci.mjs.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";

/** Files take unlike times: of more parts than cores no core waits long for the last. More still would compile the same modules too often. */
const SHARDS_A_CORE = 2;
const SHARDS_MAX = 8;

const count = Math.min(SHARDS_A_CORE * availableParallelism(), SHARDS_MAX);
const running = Array.from({ length: count }, (_, at) => start(at + 1));
let code = 0;
for (const shard of running) {
  const { output, ended } = shard;
  process.stdout.write(output.splice(0).join(""));
  shard.isHeard = true;
  code = Math.max(code, await ended);
}
process.exitCode = code;

function start(number) {
  const options = ["--test", "--test-isolation=none", `--test-shard=${number}/${count}`];
  const child = spawn(process.execPath, [...options, ...process.argv.slice(2)], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...(process.stdout.isTTY && { FORCE_COLOR: "1" }) },
  });
  const shard = { output: [], isHeard: false, ended: once(child, "close").then(([status]) => status ?? 1) };
  child.stdout.setEncoding("utf8").on("data", (text) => {
    if (shard.isHeard) process.stdout.write(text);
    else shard.output.push(text);
  });
  return shard;
}
