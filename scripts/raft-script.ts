import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runScript } from "../src/core/raft/testing/script/run.ts";

// Replays folders of data-driven scripts against the Raft core: npm run raft-script -- DIR... [--rewrite] [--quiet]
// They are in etcd-io/raft's formats: interactions of nodes, decisions of quorums, changes of a membership. Exit status 1 where a script
// fails, 2 where there is none. `--rewrite` puts what was printed into the files, to be read before it is believed.

const folders = process.argv.slice(2).filter((argument) => !argument.startsWith("-"));
const flags = process.argv.slice(2).filter((argument) => argument.startsWith("-"));
if (folders.length === 0 || flags.some((flag) => flag !== "--rewrite" && flag !== "--quiet")) {
  console.error("usage: npm run raft-script -- DIR... [--rewrite] [--quiet]");
  process.exit(2);
}

let passed = 0;
let failed = 0;
for (const path of folders.flatMap(scriptsIn)) {
  if (play(path)) passed++;
  else failed++;
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

function scriptsIn(folder: string): readonly string[] {
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith(".txt"));
    if (names.length > 0) return names.sort().map((name) => join(folder, name));
    console.error(`There is no script (a file *.txt) in ${folder}.`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
  }
  process.exit(2);
}

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
