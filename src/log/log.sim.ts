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
import { Log, type LogRecord } from "./index.ts";

// A log under power failures: whatever was acknowledged before a crash is there after it, in order and unchanged, and nothing that
// was never appended. What was on its way may be there or not, but without a hole.

const LIVES = 12;
const LIFE_MILLIS_MAX = 40;

async function runSeed(seed: number, wrap: (disk: Disk) => Disk = (disk) => disk): Promise<string> {
  const prng = new Prng(seed);
  const scheduler = new SimScheduler();
  const device = new SimDisk({ slowChance: 0.02, slowMillis: 5 }, prng.fork());
  const random = new SimRandom(prng.fork());
  let acknowledged = 0;
  let appended = 0;
  let compacted = 0;
  for (let life = 0; life < LIVES; life++) {
    const process = new SimProcess(scheduler, `life ${life}`);
    const disk = wrap(device.mount(process));
    const options = { segmentBytes: 16 * 1024, spareSegmentsMax: prng.below(3) };
    const log = await scheduler.settle(Log.open({ disk, random }, { options, onFatal: (error) => assert.fail(error) }));
    const { firstIndex, lastIndex } = log.group(1);
    assert.ok(
      lastIndex >= acknowledged,
      `seed ${seed}: entry ${acknowledged} was acknowledged, ${lastIndex} is the last`,
    );
    assert.ok(lastIndex <= appended, `seed ${seed}: entry ${lastIndex} was never appended`);
    assert.ok(firstIndex <= compacted + 1, `seed ${seed}: entry ${compacted + 1} was not compacted`);
    await checkEntries(scheduler, log, seed);
    appended = lastIndex;
    acknowledged = lastIndex;
    const endMillis = scheduler.nowMillis + prng.unit() * LIFE_MILLIS_MAX;
    while (scheduler.nowMillis < endMillis) {
      const count = 1 + prng.below(4);
      const first = appended + 1;
      appended += count;
      const last = appended;
      log.append([entries(first, count, prng.below(600))], (error) => {
        assert.equal(error, undefined);
        acknowledged = last;
      });
      if (prng.chance(0.05) && acknowledged > compacted) {
        const index = compacted + 1 + prng.below(acknowledged - compacted);
        compacted = index;
        log.append([{ kind: "compaction", group: 1, index, term: 1 }], () => {
          if (process.isAlive) log.release().catch((error: unknown) => assert.ok(hasCode(error, "LOG_FAILED")));
        });
      }
      await scheduler.run(scheduler.nowMillis + prng.unit());
    }
    process.kill();
    device.crash();
  }
  return scheduler.traceHash;
}

function entries(firstIndex: number, count: number, bytes: number): LogRecord {
  const all = Array.from({ length: count }, (_, at) => utf8(`${firstIndex + at}`.padEnd(bytes + 8, "x")));
  return { kind: "entries", group: 1, firstIndex, term: 1, entries: all };
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

async function checkEntries(scheduler: SimScheduler, log: Log, seed: number): Promise<void> {
  const { firstIndex, lastIndex } = log.group(1);
  if (lastIndex < firstIndex) return;
  const all = await scheduler.settle(log.readEntries(1, firstIndex, lastIndex, Number.MAX_SAFE_INTEGER));
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
    const seeds = simulationSeeds(100);
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
    const failures = await Promise.allSettled([1, 2, 3, 4, 5].map((seed) => runSeed(seed, pretendingToSync)));
    assert.ok(failures.some((result) => result.status === "rejected"));
  });

  test("does the same again with the same seed", async () => {
    for (const seed of simulationSeeds(100).slice(0, 10)) assert.equal(await runSeed(seed), await runSeed(seed));
  });
});
