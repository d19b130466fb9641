import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runScript } from "../src/core/raft/index.ts";

// Replays a folder of interaction scripts against the Raft core: npm run raft-script -- DIR [--rewrite] [--quiet]
// Exit status 1 where a script fails. `--rewrite` puts what was printed into the files, to be read before it is believed.

const folder = process.argv[2];
const flags = process.argv.slice(3);
if (folder === undefined || folder.startsWith("-")) {
  console.error("usage: npm run raft-script -- DIR [--rewrite] [--quiet]");
  process.exit(2);
}

let passed = 0;
let failed = 0;
for (const name of readdirSync(folder)
  .filter((file) => file.endsWith(".txt"))
  .sort()) {
  const path = join(folder, name);
  if (play(path)) passed++;
  else failed++;
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

function play(path: string): boolean {
  try {
    const { mismatches, rewritten } = runScript(readFileSync(path, "utf8"));
    if (flags.includes("--rewrite")) writeFileSync(path, rewritten);
    for (const { line, command, expected, actual } of mismatches.slice(0, flags.includes("--quiet") ? 0 : 1)) {
      console.log(`${path}:${line}: ${command}\nexpected\n${expected}\nbut was\n${actual}\n`);
    }
    return mismatches.length === 0;
  } catch (error) {
    console.log(`${path}: ${error instanceof Error ? error.stack : error}`);
    return false;
  }
}
