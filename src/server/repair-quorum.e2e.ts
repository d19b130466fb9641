// Three real servers, two of which lose their data for good: the audited repair makes the third one go on, in all groups
// of ranges, and new nodes take the places of the others.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ROOT_GROUP } from "../store/index.ts";
import { apiCall, untilCanLose, untilCluster } from "./testing/cluster-status.ts";
import { call, GrowingCluster } from "./testing/growing-cluster.ts";
import { type RangesAnswer, untilRanges } from "./testing/ranges-status.ts";

const run = promisify(execFile);
const ASHLAR = fileURLToPath(new URL("../../bin/ashlar.js", import.meta.url));
const SURVIVOR = 1;
const LOST = [2, 3];
const OBJECTS = 100;

async function repair(dataDir: string, ...more: string[]): Promise<{ readonly code: number; readonly out: string }> {
  const lost = LOST.flatMap((id) => ["--lost", `${id}`]);
  const args = [ASHLAR, "cluster", "repair-quorum", "--data-dir", dataDir, ...lost, ...more];
  const ended = await run(process.execPath, args).then(
    ({ stdout }) => ({ code: 0, out: stdout }),
    (error: { readonly code: number; readonly stdout: string; readonly stderr: string }) => {
      return { code: error.code, out: error.stdout + error.stderr };
    },
  );
  return ended;
}

test("a cluster whose majority lost its disks goes on with what the survivor had", { timeout: 300_000 }, async () => {
  await using cluster = await GrowingCluster.of(true, ["b", "c"], ["--range-bytes-max", "64KiB"]);
  await untilCanLose(cluster.first, 1);
  await call(cluster.first, "PUT", "/bucket");
  const bodyOf = (at: number): string => `value ${at}`.padEnd(1000, ".");
  for (let at = 0; at < OBJECTS; at++) {
    await call(cluster.node(["a", "b", "c"][at % 3]!), "PUT", `/bucket/key-${100 + at}`, bodyOf(at));
  }
  const cut = await untilRanges(cluster.first, ({ ranges, groups, transfers }) => {
    return ranges.length > 1 && transfers.length === 0 && groups.every(({ members }) => members.length === 3);
  });
  const groups = [ROOT_GROUP, ...cut.groups.map(({ id }) => id)];
  const dataDir = cluster.dataDirOf("a");
  const running = await repair(dataDir, "--by", "a test", "--reason", "two disks burnt", "--confirm");
  assert.deepEqual([running.code, /in use|another process|runs/i.test(running.out)], [1, true], running.out);

  for (const name of ["a", "b", "c"]) await cluster.stop(name);
  for (const name of ["b", "c"]) await rm(cluster.dataDirOf(name), { recursive: true });

  const asked = await repair(dataDir, "--dry-run");
  assert.equal(asked.code, 0, asked.out);
  assert.match(asked.out, /Nothing was changed/);
  for (const group of groups) assert.match(asked.out, new RegExp(`Group +${group}\nVoters before +1, 2, 3\n`));
  assert.match(asked.out, /may be there in part/);
  await assert.rejects(readFile(join(dataDir, "raft", "repairs.jsonl")), { code: "ENOENT" });
  const [, second] = groups;
  const one = await repair(dataDir, "--group", `${second}`);
  assert.deepEqual(
    [...one.out.matchAll(/Group +(\d+)/g)].map(([, group]) => Number(group)),
    [second],
  );
  const unknown = await repair(dataDir, "--group", "999");
  assert.deepEqual([unknown.code, /holds nothing of the group/.test(unknown.out)], [1, true], unknown.out);
  const unsigned = await repair(dataDir, "--confirm");
  assert.equal(unsigned.code, 2, unsigned.out);

  const done = await repair(dataDir, "--by", "a test", "--reason", "two disks burnt", "--confirm");
  assert.equal(done.code, 0, done.out);
  const records = (await readFile(join(dataDir, "raft", "repairs.jsonl"), "utf8")).trim().split("\n");
  const written = records.map((line) => JSON.parse(line)).toSorted((one, other) => one.group - other.group);
  assert.deepEqual(
    written.map(({ group, by, reason, lost, nodeId, votersBefore }) => ({
      group,
      by,
      reason,
      lost,
      nodeId,
      votersBefore,
    })),
    groups.map((group) => {
      return { group, by: "a test", reason: "two disks burnt", lost: LOST, nodeId: SURVIVOR, votersBefore: [1, 2, 3] };
    }),
  );
  const again = await repair(dataDir, "--by", "a test", "--reason", "two disks burnt", "--confirm");
  assert.deepEqual([again.code, /are a quorum/.test(again.out)], [1, true], again.out);

  await cluster.run("a");
  for (let at = 0; at < OBJECTS; at++) {
    assert.equal(await call(cluster.first, "GET", `/bucket/key-${100 + at}`), bodyOf(at));
  }
  for (let at = 0; at < OBJECTS; at += 10) await call(cluster.first, "PUT", `/bucket/key-${100 + at}`, "again");
  await call(cluster.first, "PUT", "/bucket/after", "the repair");

  for (const [at, name] of ["d", "e"].entries()) {
    const made = await apiCall(cluster.first, "POST", "/v1/cluster/tokens", { replaces: LOST[at] });
    const server = await cluster.run(name, (made as { readonly token: string }).token);
    assert.equal(await call(server, "GET", "/bucket/after"), "the repair");
  }
  await untilCluster(cluster.first, ({ canLose, nodes }) => {
    return canLose === 1 && nodes.every(({ id, state }) => (state === "removed") === LOST.includes(id));
  });
  const isSpread = ({ members }: RangesAnswer["groups"][number]): boolean => String(members) === "1,4,5";
  await untilRanges(cluster.first, (now) => now.groups.every(isSpread));
  await cluster.stop("a");
  for (let at = 1; at < OBJECTS; at += 10) await call(cluster.node("d"), "PUT", `/bucket/key-${100 + at}`, "once more");
  for (let at = 0; at < OBJECTS; at++) {
    const expected = ["again", "once more"][at % 10] ?? bodyOf(at);
    assert.equal(await call(cluster.node("e"), "GET", `/bucket/key-${100 + at}`), expected);
  }
  await call(cluster.node("d"), "PUT", "/bucket/last", "without the survivor");
  assert.equal(await call(cluster.node("e"), "GET", "/bucket/last"), "without the survivor");
});
