import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Disk } from "../env/index.ts";
import { SimDisk } from "../env/sim/disk.ts";
import { SimProcess } from "../env/sim/process.ts";
import { SimRandom } from "../env/sim/random.ts";
import { SimScheduler } from "../env/sim/scheduler.ts";
import { utf8 } from "../std/bytes.ts";
import { hasCode } from "../std/errors.ts";
import { Prng } from "../std/prng.ts";
import { simulationSeeds } from "../testing/seeds.ts";
import { Log, type LogBug, type LogRecord } from "./index.ts";

// A log under power failures, some of them while it is read back after a kill: whatever was acknowledged before a crash is there after
// it, in order and unchanged, and nothing that was never appended. What was on its way may be there or not, but without a hole. One group
// is busy and gives its space back; others do little, so that their votes and entries are written again and again; no vote is ever taken
// back.

const LIVES = 12;
const LIFE_MILLIS_MAX = 40;
const RECOVERY_MILLIS_MAX = 5;
const BUSY = 1;
const GROUPS = 6;
const SEGMENT_BYTES = 16 * 1024;
/** Mistakes that are found here, and within how many seeds; `take-damage-for-torn` is found by damage.sim.ts. */
const FOUND: readonly (readonly [LogBug, number])[] = [
  ["acknowledge-before-sync", 5],
  ["segment-without-directory-sync", 5],
  ["segment-with-its-marks", 5],
  ["trust-what-was-read", 20],
];

/** What a group may find again: indexes up to which entries were appended and acknowledged, and terms of hard states likewise. */
class Member {
  readonly group: number;
  appended = 0;
  acknowledged = 0;
  compacted = 0;
  voted = 0;
  votedAcknowledged = 0;

  constructor(group: number) {
    this.group = group;
  }

  /** After a restart. */
  check(log: Log, seed: number): void {
    const { firstIndex, lastIndex, hardState } = log.group(this.group);
    const where = `seed ${seed}, group ${this.group}`;
    assert.ok(lastIndex >= this.acknowledged, `${where}: ${this.acknowledged} was acknowledged, ${lastIndex} is last`);
    assert.ok(lastIndex <= this.appended, `${where}: entry ${lastIndex} was never appended`);
    assert.ok(firstIndex <= this.compacted + 1, `${where}: entry ${this.compacted + 1} was not compacted`);
    const term = hardState?.term ?? 0;
    assert.ok(term >= this.votedAcknowledged, `${where}: voted in term ${this.votedAcknowledged}, remembers ${term}`);
    assert.ok(term <= this.voted, `${where}: never voted in term ${term}`);
    this.appended = this.acknowledged = lastIndex;
    this.voted = this.votedAcknowledged = term;
  }

  append(log: Log, prng: Prng): void {
    const count = 1 + prng.below(4);
    const record = entries(this.group, this.appended + 1, count, prng.below(this.group === BUSY ? 600 : 100));
    this.appended += count;
    const last = this.appended;
    log.append([record], (error) => {
      if (error === undefined) this.acknowledged = last;
    });
  }

  vote(log: Log): void {
    const term = ++this.voted;
    const state = { term, vote: 1, commit: 0, incarnation: 0, isLost: false };
    log.append([{ kind: "hardState", group: this.group, ...state }], (error) => {
      if (error === undefined) this.votedAcknowledged = term;
    });
  }

  compact(log: Log, prng: Prng, done: () => void): void {
    if (this.acknowledged === this.compacted) return;
    this.compacted += 1 + prng.below(this.acknowledged - this.compacted);
    log.append([{ kind: "compaction", group: this.group, index: this.compacted, term: 1 }], done);
  }
}

interface SeedSettings {
  readonly wrap?: (disk: Disk) => Disk;
  readonly bugs?: readonly LogBug[];
}

async function runSeed(seed: number, { wrap = (disk) => disk, bugs = [] }: SeedSettings = {}): Promise<string> {
  const prng = new Prng(seed);
  const scheduler = new SimScheduler();
  const garbledChance = prng.pick([0.1, 0.5]);
  const device = new SimDisk({ slowChance: 0.02, slowMillis: 5, garbledChance, lostChance: 0.3 }, prng.fork());
  const random = new SimRandom(prng.fork());
  const members = Array.from({ length: GROUPS }, (_, at) => new Member(at + 1));
  const [busy, ...idle] = members as [Member, ...Member[]];
  for (let life = 0; life < LIVES; life++) {
    const process = new SimProcess(scheduler, `life ${life}`);
    const disk = wrap(device.mount(process));
    const options = { segmentBytes: SEGMENT_BYTES, spareSegmentsMax: prng.below(3), movedPercentMax: 100 };
    // Of a disk that refused a sync a process sees what the disk may lack, until power fails.
    const failsSync = prng.chance(0.2);
    const onFatal = (error: Error): void => {
      assert.ok(failsSync, String(error));
      process.kill();
    };
    const log = await scheduler.settle(Log.open({ disk, random }, { options, onFatal, bugs: new Set(bugs) }));
    for (const member of members) {
      member.check(log, seed);
      await checkEntries(scheduler, log, member.group, seed);
    }
    const release = (): void => {
      if (!process.isAlive) return;
      log.release().catch((error: unknown) => assert.ok(failsSync || hasCode(error, "LOG_FAILED"), String(error)));
    };
    const endMillis = scheduler.nowMillis + prng.unit() * LIFE_MILLIS_MAX;
    if (failsSync) device.failNext("sync");
    while (scheduler.nowMillis < endMillis && process.isAlive) {
      busy.append(log, prng);
      const member = idle[prng.below(idle.length)]!;
      if (prng.chance(0.05)) member.append(log, prng);
      if (prng.chance(0.05)) member.vote(log);
      if (prng.chance(0.01)) member.compact(log, prng, release);
      if (prng.chance(0.05)) busy.compact(log, prng, release);
      await scheduler.run(scheduler.nowMillis + prng.unit());
    }
    const losesPower = process.isAlive;
    process.kill();
    device.forgetFailures();
    if (!losesPower) {
      device.abandon();
      continue;
    }
    if (prng.chance(0.5)) {
      // The next process finds what this one wrote in the page cache, and power fails while it is recovering that.
      device.abandon();
      const recovering = new SimProcess(scheduler, `recovery ${life}`);
      const again = { disk: wrap(device.mount(recovering)), random };
      void Log.open(again, { options, onFatal: (error) => assert.fail(error), bugs: new Set(bugs) });
      await scheduler.run(scheduler.nowMillis + prng.unit() * RECOVERY_MILLIS_MAX);
      recovering.kill();
    }
    device.crash();
  }
  return scheduler.traceHash;
}

function entries(group: number, firstIndex: number, count: number, bytes: number): LogRecord {
  const all = Array.from({ length: count }, (_, at) => utf8(`${firstIndex + at}`.padEnd(bytes + 8, "x")));
  return { kind: "entries", group, firstIndex, term: 1, entries: all };
}

function pretendingToSync(disk: Disk): Disk {
  return new Proxy(disk, {
    get(target, name) {
      if (name !== "open") return bound(target, name);
      return async (...args: Parameters<Disk["open"]>) => {
        const file = await target.open(...args);
        return new Proxy(file, {
          get: (of, member) => (member === "sync" ? async () => {} : bound(of, member)),
        });
      };
    },
  });
}

function bound(target: object, member: string | symbol): unknown {
  const value = Reflect.get(target, member, target);
  return typeof value === "function" ? value.bind(target) : value;
}

async function checkEntries(scheduler: SimScheduler, log: Log, group: number, seed: number): Promise<void> {
  const { firstIndex, lastIndex } = log.group(group);
  if (lastIndex < firstIndex) return;
  const all = await scheduler.settle(log.readEntries(group, firstIndex, lastIndex, Number.MAX_SAFE_INTEGER));
  assert.equal(all.length, lastIndex - firstIndex + 1, `seed ${seed}: entries are missing`);
  for (const [at, entry] of all.entries()) {
    assert.equal(entry.index, firstIndex + at);
    assert.equal(
      Number.parseInt(new TextDecoder().decode(entry.bytes), 10),
      entry.index,
      `seed ${seed}: an entry's bytes`,
    );
  }
}

describe("the log under power failures", () => {
  test("keeps every acknowledged entry", async (t) => {
    const seeds = simulationSeeds(60);
    for (const seed of seeds) {
      try {
        await runSeed(seed);
      } catch (error) {
        t.diagnostic(`ASHLAR_SIM_SEED=${seed} ASHLAR_SIM_SEEDS=1 replays this`);
        throw error;
      }
    }
    t.diagnostic(`${seeds.length} seeds from ${seeds[0]} on`);
  });

  test("is caught when its disk only pretends to sync", async () => {
    const failures = await Promise.allSettled([1, 2, 3, 4, 5].map((seed) => runSeed(seed, { wrap: pretendingToSync })));
    assert.ok(failures.some((result) => result.status === "rejected"));
  });

  for (const [bug, seedsMax] of FOUND) {
    test(`finds the seeded bug ${bug} within ${seedsMax} seeds`, async () => {
      for (let seed = 1; seed <= seedsMax; seed++) {
        const isFound = await runSeed(seed, { bugs: [bug] }).then(
          () => false,
          () => true,
        );
        if (isFound) return;
      }
      assert.fail(`${bug} was not found`);
    });
  }

  test("does the same again with the same seed", async () => {
    for (const seed of simulationSeeds(100).slice(0, 10)) assert.equal(await runSeed(seed), await runSeed(seed));
  });
});
