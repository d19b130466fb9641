import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Disk } from "../env/index.ts";
import { SimDisk } from "../env/sim/disk.ts";
import { equalBytes } from "../std/bytes.ts";
import { hasCode } from "../std/errors.ts";
import { Prng } from "../std/prng.ts";
import { simulationSeeds } from "../testing/seeds.ts";
import { inspectLog, type Log, type LogBug } from "./index.ts";
import { SEGMENT_HEADER_BYTES, segmentName } from "./segment.ts";
import { openLog } from "./testing/fixture.ts";
import { RaftHistory } from "./testing/raft-history.ts";

// Logs of Raft groups in which bits rot that had been synced. Refused, such a log is never served and never cut off. With the damage set
// aside, whatever it returns was written, and every group of which anything is lost is reported.

const SEGMENT_BYTES = 16 * 1024;

interface World {
  readonly device: SimDisk;
  readonly disk: Disk;
  readonly histories: readonly RaftHistory[];
}

async function write(prng: Prng): Promise<World> {
  const device = new SimDisk();
  const disk = device.mount();
  const histories = Array.from({ length: 1 + prng.below(3) }, (_, at) => new RaftHistory(at + 1, prng.fork()));
  const log = await openLog(disk, { segmentBytes: SEGMENT_BYTES });
  for (let step = 50 + prng.below(250); step > 0; step--) {
    const batch = [];
    for (let count = 1 + prng.below(3); count > 0; count--) {
      const records = histories[prng.below(histories.length)]!.next();
      if (records.length > 0) batch.push(appended(log, records));
    }
    await Promise.all(batch);
    if (prng.chance(0.05)) await log.release();
  }
  await log.close();
  return { device, disk, histories };
}

const appended = (log: Log, records: Parameters<Log["append"]>[0]): Promise<void> =>
  new Promise((resolve, reject) => log.append(records, (error) => (error === undefined ? resolve() : reject(error))));

/** Rots bytes of frames that later ones prove to have been synced, or of headers, or takes whole segments away. */
async function rot(prng: Prng, { device, disk }: World): Promise<boolean> {
  const reports = [];
  for await (const report of inspectLog(disk)) reports.push(report);
  const synced = reports.flatMap(({ segment, frames }) => frames.map((frame) => ({ segment, frame }))).slice(0, -1);
  if (synced.length === 0) return false;
  for (let bursts = 1 + prng.below(2); bursts > 0; bursts--) {
    const at = prng.below(synced.length);
    for (const { segment, frame } of synced.slice(at, at + 1 + prng.below(12))) {
      const name = segmentName("log", segment.id);
      if (!(await disk.list("log")).includes(name.slice(4))) continue;
      const luck = prng.unit();
      // Of a segment at either end nobody can tell that it was ever there.
      const isInside = segment !== reports[0]!.segment && segment !== reports.at(-1)!.segment;
      const offset = SEGMENT_HEADER_BYTES + frame.position - segment.base;
      if (luck < 0.03 && isInside) await disk.remove(name);
      else if (luck < 0.05) device.rot(name, prng.below(44), prng.below(8));
      else device.rot(name, offset + prng.below(frame.bytes), prng.below(8));
    }
  }
  return true;
}

async function check(log: Log, { histories }: World, seed: number): Promise<void> {
  for (const history of histories) {
    const { group } = history;
    const damage = log.damagedGroups.find((one) => one.group === group);
    const index = [...log.groups()].find((one) => one.group === group);
    const where = `seed ${seed}, group ${group}`;
    if (index === undefined) {
      const isEmpty = history.hardState.term === 0;
      assert.ok(isEmpty || log.mayHaveLostGroups, `${where}: lost without a word`);
      continue;
    }
    const { firstIndex, lastIndex } = index;
    const entries =
      lastIndex < firstIndex ? [] : await log.readEntries(group, firstIndex, lastIndex, Number.MAX_SAFE_INTEGER);
    assert.equal(entries.length, Math.max(0, lastIndex - firstIndex + 1), `${where}: a hole`);
    for (const { index: at, term, bytes } of entries) {
      assert.ok(equalBytes(bytes, history.bytesOf(at, term)), `${where}: entry ${at} was never written`);
      if (damage === undefined || at <= damage.certainIndex)
        assert.equal(term, history.log[at - 1], `${where}: entry ${at} is not the group's`);
    }
    if (damage === undefined) assert.equal(lastIndex, history.log.length, `${where}: entries are missing`);
    else if (damage.firstMissing > 0) assert.ok(lastIndex < damage.firstMissing, `${where}: entries behind a gap`);
    const inDoubt = damage?.firstChangeInDoubt || Number.POSITIVE_INFINITY;
    const known = history.changes.findLast((at) => at < inDoubt) ?? -1;
    const { configuration } = index;
    assert.ok((configuration?.index ?? -1) >= known, `${where}: the change of membership at ${known} is forgotten`);
    if (configuration !== undefined)
      assert.deepEqual(configuration.bytes, history.membersOf(configuration.index), `${where}: other members`);
    if (damage?.areEntriesWhole) assert.equal(lastIndex, history.log.length, `${where}: entries are not whole`);
    const { term, vote, commit } = index.hardState ?? { term: 0, vote: 0, commit: 0 };
    if (damage === undefined || !damage.isHardStateStale)
      assert.deepEqual([term, vote], [history.hardState.term, history.hardState.vote], `${where}: an old vote`);
    assert.ok(commit <= Math.max(lastIndex, index.compaction.index), `${where}: commits what it does not have`);
    if (damage !== undefined) assert.ok(commit <= damage.certainIndex, `${where}: commits what is not certain`);
  }
}

async function runSeed(
  seed: number,
  ...bugs: LogBug[]
): Promise<{ readonly isDamaged: boolean; readonly certain: number }> {
  const prng = new Prng(seed);
  const world = await write(prng);
  const { disk } = world;
  const options = { segmentBytes: SEGMENT_BYTES };
  if (!(await rot(prng, world))) return { isDamaged: false, certain: 0 };
  const before = await filesOf(disk);
  const refused = await openLog(disk, options, () => {}, "refuse", bugs).then(
    (log) => log.close(),
    (error: unknown) => error,
  );
  if (refused !== undefined) {
    assert.ok(hasCode(refused, "LOG_DAMAGED"), `seed ${seed}: ${refused}`);
    const after = await filesOf(disk);
    const isSame = [...after].every(([name, bytes]) => equalBytes(bytes, before.get(name)!));
    assert.ok(isSame && after.size === before.size, `seed ${seed}: a refused log was changed`);
  }
  const damaged = [];
  {
    await using log = await openLog(disk, options, () => {}, "set-aside");
    await check(log, world, seed);
    damaged.push(...log.damagedGroups);
  }
  await using log = await openLog(disk, options);
  await check(log, world, seed);
  assert.deepEqual(log.damagedGroups, damaged, `seed ${seed}: what was reported is not remembered`);
  return { isDamaged: refused !== undefined, certain: world.histories.length - damaged.length };
}

async function filesOf(disk: Disk): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const name of await disk.list("log")) {
    const file = await disk.open(`log/${name}`, "read");
    files.set(name, await file.read(0, await file.length()));
    await file.close();
  }
  return files;
}

describe("a log in which synced bits rot", () => {
  test("is refused unchanged, or served without what is lost, which it reports", async (t) => {
    const seeds = simulationSeeds(150);
    let damaged = 0;
    let certain = 0;
    for (const seed of seeds) {
      try {
        const result = await runSeed(seed);
        if (result.isDamaged) damaged++;
        certain += result.certain;
      } catch (error) {
        t.diagnostic(`ASHLAR_SIM_SEED=${seed} ASHLAR_SIM_SEEDS=1 replays this`);
        throw error;
      }
    }
    t.diagnostic(`${seeds.length} seeds from ${seeds[0]} on: ${damaged} damaged, ${certain} groups lost nothing`);
    if (seeds.length >= 100) assert.ok(damaged > seeds.length / 2 && certain > 0);
  });

  test("finds the seeded bug take-damage-for-torn within 5 seeds", async () => {
    const results = await Promise.allSettled([1, 2, 3, 4, 5].map((seed) => runSeed(seed, "take-damage-for-torn")));
    assert.ok(results.some(({ status }) => status === "rejected"));
  });
});
